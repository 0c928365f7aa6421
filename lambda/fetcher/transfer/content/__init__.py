"""
What a body is, and whether it may be kept.

``inflate`` undoes its encoding, ``file_types`` tells its kind by its first bytes,
``picture_size`` reads width and height there, and ``robots_tag`` says whether its
origin reserves it.
"""
