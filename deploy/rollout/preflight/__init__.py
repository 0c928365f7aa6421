"""
Preflight: would a run work on its target? Checked before anything is made.

``demand`` lists what the run needs; ``checks`` compares it with what the ``account``
and its buckets (``bucket``) offer.
"""
