"""
Requests understood, by botocore's description of Lambda; and who sends them.

``service_model`` parses a call, ``constraints`` checks it; ``names`` are those of
functions, ``paging`` cuts lists, ``callers`` knows key pairs.
"""
