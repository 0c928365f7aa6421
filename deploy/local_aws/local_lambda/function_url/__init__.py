"""
Function URLs: an HTTP request in, an invocation, an HTTP response out.

``front`` listens. It lets in those whom ``authentication`` knows, makes an ``event``
of the request and an ``answer`` of the result, and adds the headers of CORS.
"""
