"""
`make bench`: the same files by `fetcher` and by other downloaders.

``programs`` names what is compared; ``run`` runs one program, measures its
``process_cost`` and makes a ``delivery_check``; ``table`` and ``chart`` show what came
out. Rows are saved as they are ``measured``. ``wild`` is the second table: a list like
the real web's.
"""
