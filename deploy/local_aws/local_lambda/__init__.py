"""
AWS Lambda's API on loopback: real runtime processes, Lambda's limits and errors.

``server`` takes requests, over ``http``, and answers with ``errors`` and, on the ports
of function URLs, ``url_errors``:

* ``requests``: what a call says, by botocore's own description of Lambda.
* ``api``: the operations, a module for each kind of thing.
* ``functions``: the functions there are, and all that belongs to them.
* ``runtime``: invocations admitted, and the environments that run them.
* ``logs``: what functions write, and where it goes.
* ``function_url``: an HTTP request in, an invocation, an HTTP response out.

What is not as on AWS:

* The interpreter is ours, whatever Runtime says, and with it the machine, the number
  of CPUs and the packages beside the interpreter; the package's own come first.
* /tmp is in this machine's memory. It is each environment's own, and the code is
  read-only, only where Linux permits mounting: ``private_tmp`` says to whom. Without
  that, and on macOS, each environment has a folder of its own in TMPDIR, which is what
  ``tempfile`` uses, of any size; a literal "/tmp" is everybody's.
* Memory is looked at now and then, as ``memory_watch`` says, and when an invocation
  ends. On macOS nothing limits it. Processes are not limited; descriptors are, to
  1,024.
* Memory buys neither a share of a processor nor of a network: all share this machine's.
* /var/task is a folder elsewhere: the working directory, and LAMBDA_TASK_ROOT.
* How long AWS keeps an idle environment is not documented; here it is five minutes.
* The 10 s of an init are those in which it had a core of this machine, or wanted none.
* New environments and calls come as fast as this machine can, unless ``pace`` is asked
  for. Which reason AWS gives for a function that cannot scale faster is not documented.
* A change is over as soon as GetFunction or GetFunctionConfiguration shows it, or
  after a second. An updated function runs its new code at once.
* A published version gets its first process with its first invocation.
* Events are tried again at once when concurrency is free, not after growing pauses.
  What becomes too old or fails too often is forgotten, as is everything when the
  function is deleted or the endpoint stops. How long and how often an event is tried is
  settled when it is accepted.
* What tags are called, and how much code an account has, is not limited.
* A function URL is ``http://127.0.0.1:PORT/``, without TLS; its id is in events only.
  With AWS_IAM signatures are checked, against keys that this endpoint gave out.
* Resource policies are kept and shown, and asked by URLs whose AuthType is NONE. What
  they allow anybody else is not asked: here everybody may do everything.
* Log lines of a running function are up to half a second late in their time.

Not there: layers, images, destinations, dead-letter queues, streaming, VPCs, SnapStart,
provisioned concurrency, logs as JSON. Asking for them is refused in plain words.
"""
