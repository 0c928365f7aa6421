"""
Requests read by botocore's description of Lambda, and their signatures verified.

``service_model`` parses a call, ``constraints`` checks it; ``names`` are those of
functions, ``paging`` cuts lists, ``callers`` knows key pairs.
"""
