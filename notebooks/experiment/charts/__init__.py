"""
Tables into charts, each with a title that says what was measured.

Of a run: ``throughput``, ``timeline``, ``latency``, and ``connections_over_time``, how
many each execution found of use. ``grid`` draws grids, ``million`` one wide run,
``fleet`` forecasts; ``drawing`` is the look they share.
"""
