"""
Requests, read by botocore's description of Lambda, and their senders.

* ``service_model`` parses a call, ``constraints`` checks it; ``function_reference``
  reads functions' names, ``paging`` cuts lists into pages.
* ``signature_parsing`` reads who a request claims to be from, ``signature`` verifies
  it; ``access_keys`` holds the key pairs.
"""
