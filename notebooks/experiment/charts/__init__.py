"""
Tables into charts, each with a title that says what was measured.

Of a run: ``throughput``, ``invocation_timeline``, ``latency``, and
``connections_over_time``, how many each execution found of use. ``axis_effects`` draws
grids, ``single_run`` one wide run, ``forecast_charts`` forecasts; ``drawing`` is the
look they share.
"""
