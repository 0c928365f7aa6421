"""
The contract between those who ask for downloads and those who make them.

The ``shard_messages`` are the request and the report. A shard has ``options`` and a
``source`` of URLs, an ``inline_source`` or a ``template_source``; every URL ends in an
``outcome``; a report holds ``download_results``, a row for each URL, and their
``tally``. ``compressed_text`` deflates what travels in JSON. A list's other columns are
the ``carried_columns``.
"""
