"""
AWS's limits and prices, each with its source and the day it was read.

``limits`` reads ``limits.toml``.
"""
