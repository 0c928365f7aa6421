"""
Function URLs: an HTTP request in, an invocation, an HTTP response out.

``front`` listens: it lets in whoever ``signature`` knows among the ``callers``, makes
an
``event`` of the request and of the result an ``answer``, and adds what ``cors`` says.
"""
