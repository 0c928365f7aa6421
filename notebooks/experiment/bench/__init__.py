"""
`fetcher` compared with other downloaders, on this machine.

``run`` measures one run of one of the programs in ``peers``: its ``process_cost``, and
its ``delivery``. ``table`` and ``charts`` compare them.
"""
