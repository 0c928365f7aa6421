"""
One execution's work: URLs in, files and a per-URL report out.

* ``contract``: what both sides share: shard, source, options, outcome, report.
* ``lists``: lists of URLs, and the names of the files they become.
* ``transfer``: attempts, retries, hosts, and the checks of a body.
* ``engines``: the HTTP clients, curl and aiohttp.
* ``sinks``: where bodies go; ``s3``: S3 as sinks and sources speak it.
* ``security``: what may be contacted, trusted and shown.
* ``process``: memory, descriptors and interrupts of this process.
* ``backoff``: how long to wait between tries.
* ``command``: the `fetcher` command; ``service``: HTTP and jobs.
* ``handler``: what Lambda calls.
"""

__version__ = "0.2.0"
