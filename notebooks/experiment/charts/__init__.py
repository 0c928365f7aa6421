"""
Tables into charts, each with a title that says what was measured.

``fan_out`` draws fan-outs, ``grid`` grids, ``million`` one wide run, ``fleet``
forecasts; ``drawing`` is the look they share.
"""
