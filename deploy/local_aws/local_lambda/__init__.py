"""
AWS Lambda's API on loopback: real runtime processes, Lambda's limits and errors.

``server`` takes requests, over ``connections``, and answers with ``errors``
and, on the ports of function URLs, ``url_errors``:

* ``requests``: calls read by botocore's own description of Lambda, and signatures.
* ``api``: the operations, a module for each kind of thing.
* ``functions``: functions and all that belongs to them.
* ``runtime``: admission of invocations, and the environments that run them.
* ``logs``: the output of functions on its way to CloudWatch Logs.
* ``function_url``: an HTTP request in, an invocation, an HTTP response out.

Differences from AWS:

* The interpreter is ours, whatever Runtime says, and with it the machine, the number
  of CPUs and the packages beside the interpreter; the package's own come first.
* /tmp is in this machine's memory. It is each environment's own, and code and layers
  are read-only, only where Linux permits mounting: see ``private_tmp``. Otherwise,
  and on macOS, each environment has a folder of its own in TMPDIR, which ``tempfile``
  uses, of any size; a literal "/tmp" is shared.
* Memory is checked from time to time (``memory_watch``) and when an invocation ends; on
  macOS it is not limited. Processes are not limited; descriptors are, to 1,024.
* Memory buys no share of a processor or network: all functions share this machine's.
* /var/task is a folder elsewhere: the working directory, and LAMBDA_TASK_ROOT.
* An idle environment is kept for five minutes; AWS documents no time.
* The 10 s of an init leave out the time it waited for a core of this machine.
* New environments and calls come as fast as this machine can, unless ``pace`` says
  otherwise. AWS does not document its reason for refusing to scale a function faster.
* A change ends once GetFunction or GetFunctionConfiguration has shown it, or after a
  second. These two answer when the function's libraries are imported. An updated
  function runs its new code at once.
* A published version gets its first process with its first invocation.
* Layers are folders elsewhere, on the paths of programs, libraries and Python, not at
  /opt. Their permissions, and other accounts' layers, are not modelled.
* Events are tried again at once when concurrency is free, not after growing pauses.
  Events too old or failed too often are dropped, as are all when the function is
  deleted or the endpoint stops. Age and attempts are settled when an event is accepted.
* The names of tags and the code size of an account are not limited.
* A function URL is ``http://127.0.0.1:PORT/``, without TLS; its id is in events only.
  With AWS_IAM, signatures are checked against keys that this endpoint knows.
* Resource policies are kept and shown, but only URLs whose AuthType is NONE obey them:
  every caller with a key may do everything.
* The account's concurrency is one for all regions, not one for each.
* Timestamps of a running function's log lines are up to half a second late. Where a
  function prints faster than that can be read, some of it is dropped, which is said.

Missing: images, destinations, dead-letter queues, VPCs, SnapStart, provisioned
concurrency, logs as JSON, code signing, tenants, durable functions, code that stays in
S3. Requests for them are refused in plain words; to list them is to find none.
Responses are not streamed, as on AWS with its Python runtimes, whose client cannot
(awslambdaric 4.2.2; aws/aws-lambda-roadmap#39, open in 2026).
"""
