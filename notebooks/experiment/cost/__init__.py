"""Dollars of a plan before, and of a run after: what is ``billable``, its ``cost``."""
