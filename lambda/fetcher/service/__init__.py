"""
The downloader as a service over HTTP.

``api`` routes what the function is invoked with: ``download`` fetches while the caller
waits, and ``job_requests`` begins and shows ``jobs``. ``schema`` holds requests against
openapi.json.
"""
