"""
The contract between those who ask for downloads and those who make them.

A ``shard`` has ``options`` and a ``source`` of URLs, an ``inline_source`` or a
``template_source``; every URL ends in an ``outcome``; a report holds
``download_results``, a row for each URL, and their ``tally``. ``packing`` deflates what
travels in JSON. What a list has beside its URLs is ``carried`` along.
"""
