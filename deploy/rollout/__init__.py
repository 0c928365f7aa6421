"""
Deployment of the worker to AWS Lambda, or its local stand-in, and calls of it.

* ``target``: AWS or local; the only place that knows which.
* ``bundle``: the zip; ``deploy``: function, role, log group and URL.
* ``doctor``: is the account ready? ``preflight``: would a run work there?
* ``price``: what does it cost?
* ``invoke``: many calls in flight, and what the function logged.
* ``manifest``: lists of URLs made from tables; ``s3_origin``: files to download, in S3.
* ``cli``: the `rollout` command, which ``entry`` starts.
* ``errors``: every way to be refused or fail.
"""
