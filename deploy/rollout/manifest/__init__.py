"""Conversion of lists from elsewhere into a list in JSON lines: ``as_list`` does it."""
