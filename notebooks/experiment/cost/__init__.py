"""Dollars of plans and runs: ``billable`` is what is used, ``cost`` its price."""
