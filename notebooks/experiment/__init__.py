"""
The experiment: how fast a million files can be downloaded, measured and charted.

* ``parameters``: a notebook's settings, checked.
* ``plan``: settings into shards; ``cost``: dollars before and after.
* ``session``: the target and the local endpoint that a notebook holds open.
* ``fleet``: a model of many executions: how long, what binds, and how sure that is.
* ``run``: fan-outs and grids, carried out and resumed; ``ledger``: their folder.
* ``tables``: the ledger as tidy tables; ``charts``: tables as charts and verdicts.
* ``report``: a run as one page to send.
* ``command``: `python -m experiment` and `make aws-check`; ``bench``: `make bench`.
"""
