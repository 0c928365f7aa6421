"""
`make bench`: the same files by `fetcher` and by other downloaders.

``peers`` are the programs; ``run`` runs one, with its ``process_cost`` measured and
its ``delivery`` checked; ``table`` and ``charts`` show what came out. Rows are saved
as they are ``measured``. ``wild`` is the second table: a list like the real web's.
"""
