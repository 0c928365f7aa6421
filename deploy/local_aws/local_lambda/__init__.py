"""
AWS Lambda's API on loopback: real runtime processes, Lambda's limits and errors.

``dispatch`` takes requests from ``http_server``, and answers with ``errors``
and, on the ports of function URLs, ``url_errors``:

* ``requests``: calls read by botocore's own description of Lambda, and signatures.
* ``api``: the operations, a module for each kind of thing.
* ``functions``: functions and all that belongs to them.
* ``runtime``: admission of invocations, and the environments that run them.
* ``logs``: the output of functions on its way to CloudWatch Logs.
* ``function_url``: an HTTP request in, an invocation, an HTTP response out.

``README.md`` of ``local_aws`` says what is as on AWS, what is nearly so, and what is
not there.
"""
