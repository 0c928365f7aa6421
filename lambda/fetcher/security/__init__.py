"""
What keeps downloads from harm: to whom they connect, and what nobody may read.

``guard`` says which addresses and URLs are fetched; ``trust`` whose certificates
are believed; ``masking``, where it is, hides what is secret in a URL.
"""
