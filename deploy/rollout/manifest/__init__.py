"""
Conversion of tables and lists from elsewhere into a list for runs.

``convert`` does all of it; ``rows`` reads the formats.
"""
