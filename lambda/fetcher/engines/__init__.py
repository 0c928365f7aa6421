"""
HTTP clients: each engine makes attempts until the work is done.

* ``curl`` is the loop around libcurl: ``curl_transfer`` is one handle at work,
  ``curl_connect`` resolves and admits the server it connects to,
  ``curl_first_connections`` knows which hosts need no look-up, ``curl_head`` is the
  head of the response, ``curl_handle`` the options, ``curl_errors`` the meanings of
  error codes.
* ``aiohttp`` is the reference engine; ``aiohttp_lookups`` tells how far a request is.
* ``resolver`` looks names up in threads.
"""
