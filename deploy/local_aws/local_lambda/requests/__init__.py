"""
Requests, read by botocore's description of Lambda, and their senders.

* ``service_model`` parses a call, ``constraints`` checks it; ``names`` reads
  functions' names, ``paging`` cuts lists into pages.
* ``claims`` says who a request claims to be from, ``signature`` verifies it;
  ``callers`` holds the key pairs.
"""
