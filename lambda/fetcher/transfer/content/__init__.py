"""
What a body is, and whether it may be kept.

``inflate`` undoes its encoding. ``first_bytes`` reads what its beginning shows: its
type, which ``file_types`` knows, and of a picture the ``picture_size``. ``robots_tag``
says whether its origin reserves it.
"""
