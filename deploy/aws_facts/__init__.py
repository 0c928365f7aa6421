"""
AWS's limits and prices, each with its source and the day it was read.

``limits`` and ``prices`` read ``limits.toml``, and other regions' prices from
``regions.toml``; ``fleet_constants`` reads ``fleet.toml``: what a model of the fleet is
made of, documented, recorded, ours or guessed. ``toml_files`` opens them all.
`make aws-check` writes ``calibration.toml`` beside them: what it measured in an
account, which comes first.
"""
