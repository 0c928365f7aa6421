"""
Lists that runs take, made from tables and lists of other tools.

``convert`` makes one; ``rows`` reads the formats.
"""
