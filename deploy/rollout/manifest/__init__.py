"""
Tables and lists from elsewhere into a list that runs take.

``convert`` is the whole way; ``rows`` reads the formats.
"""
