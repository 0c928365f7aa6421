"""
Protection of the network that downloads run in, and of secrets in URLs.

``guard`` decides which addresses and URLs are fetched, ``trust`` which certificates are
accepted; ``masking`` hides the secrets in a URL.
"""
