"""
`make bench`: the same files by `fetcher` and by other downloaders.

``programs`` names what is compared; ``program_run`` runs one program, checks its files
and measures its ``process_cost``; ``wild_run`` does that with a list like the real
web's. ``benchmarks`` is each table, program by program; ``comparison`` sums it up;
``text_tables`` and ``chart`` show it.
"""
