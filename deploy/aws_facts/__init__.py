"""
What AWS allows and charges: figures, each with its source and the day it was read.

``limits`` reads ``limits.toml``.
"""
