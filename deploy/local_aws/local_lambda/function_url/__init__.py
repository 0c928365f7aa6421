"""
Function URLs: an HTTP request in, an invocation, an HTTP response out.

``front`` listens: it admits what ``authorization`` allows, makes
an
``event`` of the request and of the result an ``answer``, and adds what ``cors`` says.
"""
