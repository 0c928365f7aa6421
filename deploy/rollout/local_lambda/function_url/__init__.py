"""
Function URLs: an HTTP request in, an invocation, an HTTP response out.

``config`` has the operations, ``url`` what they make. ``front`` listens: it lets in
whoever ``signature`` knows, makes an ``event`` of the request and of the result an
``answer``, and adds what ``cors`` says. ``errors`` holds the refusals.
"""
