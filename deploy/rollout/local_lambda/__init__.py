"""
AWS Lambda's API on loopback: real runtime processes, Lambda's limits and errors.

``server`` takes requests, ``model`` understands them with botocore's own description
of Lambda, ``control`` makes and changes functions, ``pool`` admits invocations,
``fleet`` runs those of one version in ``environment``s that ``zygote`` forks, and
these talk to ``runtime_api``. ``outcome`` and ``errors`` hold what can go wrong.

What is not as on AWS:

* The interpreter is ours, whatever Runtime says, and with it the machine, the number
  of CPUs and the packages beside the interpreter; the package's own come first.
* /tmp is not virtual. Each environment has a folder of its own, in TMPDIR, which is
  what ``tempfile`` uses; a literal "/tmp" is everybody's. Its size is not limited.
* Memory and processes are not limited; descriptors are, to 1,024.
* /var/task is a folder elsewhere: the working directory, and LAMBDA_TASK_ROOT.
* An environment that is idle is kept until its function is changed or deleted.
* An init may take 10 s more than the timeout; AWS stops it at 10 s and tries again.
* Billed Duration includes the init, as AWS bills since August 2025.
* A change is over as soon as GetFunction or GetFunctionConfiguration shows it, or
  after a second. An updated function runs its new version at once.
* Events wait for concurrency without an end; a function that reserved none keeps them.
  They are forgotten when the function is deleted or the endpoint stops.
* Log lines of a running function are up to half a second late in their time.

Not there: versions, aliases, function URLs, layers, images, destinations, streaming,
permissions. Asking for them is refused in plain words.
"""
