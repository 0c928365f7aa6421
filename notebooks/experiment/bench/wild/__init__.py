"""
The second table of `make bench`: programs on a list like those of the real web.

``programs`` are told to fetch a wild list as a user would; ``run`` runs one against a
`origin.wild.WildOrigin` of its own and checks every file; ``table`` and ``chart`` show
what came out; ``bench`` is all of it, program by program.
"""
