"""
Tables into charts, each with a title that says what was measured.

``fan_out`` draws fan-outs, ``connections`` how many each execution found of use,
``grid`` grids, ``million`` one wide run, ``fleet`` forecasts; ``drawing`` is the look
they share.
"""
