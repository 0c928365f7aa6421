"""
What keeps downloads from harm: whom they connect to, and what nobody may read.

``guard`` says which addresses and URLs are fetched, and ``trust`` whose certificates
are believed; ``masking`` hides secrets in URLs; ``signing`` signs requests to AWS.
"""
