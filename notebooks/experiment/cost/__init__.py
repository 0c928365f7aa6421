"""Dollars: ``cost`` prices what a plan or a run uses, before and after."""
