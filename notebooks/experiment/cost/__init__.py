"""
Dollars: a ``price_estimate`` before a run, and its ``actual_cost`` afterwards.

Both price a ``billable_usage``; nothing above the ``spending_limit`` is begun.
"""
