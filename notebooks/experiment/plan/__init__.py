"""
Settings into shards: which execution is asked for which URLs.

``plan`` makes it, of a ``url_file`` if there is a list, dealt by ``deal``;
``demand`` says what a target must offer for it; ``file_facts`` what is known of its
files.
"""
