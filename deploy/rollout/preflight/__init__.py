"""
Preflight: would a run work on its target? Checked before anything is made.

``demand`` lists what the run needs; ``checks`` compares it with the ``account_limits``
and the ``bucket``.
"""
