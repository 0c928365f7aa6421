"""
Charts of tables; the title of each says what was measured.

``charts`` has those of any run, ``million`` those of one wide run, ``grid`` those of a
grid; ``drawing`` is how all of them look.
"""
