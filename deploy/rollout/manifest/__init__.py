"""Conversion of lists from elsewhere into a list in JSON lines: ``convert`` does it."""
