"""
The downloader as a service: HTTP over a function URL, and jobs kept in S3.

* ``api`` takes any event; ``function_url_events`` reads requests from it,
  ``schema_validation`` checks them against openapi.json, and ``requested_items`` reads
  their files.
* ``download_endpoint`` answers `POST /download`; ``job_endpoints`` answers `/jobs`, and
  ``failed_downloads`` lists what did not arrive.
* ``call_context`` is one invocation, ``settings`` its environment; ``jobs`` does the
  work.
"""
