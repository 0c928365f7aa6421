"""Dollars: ``usage`` counts what a plan or run uses, ``cost`` prices it."""
