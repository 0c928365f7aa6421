"""
The parameters of notebooks, checked.

``cell`` reads a notebook's parameters cell; ``settings`` has what all notebooks share,
``fan_out`` one run, ``grid`` a grid of runs.
"""
