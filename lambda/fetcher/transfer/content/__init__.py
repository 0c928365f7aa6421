"""
What a body is, and whether it may be kept.

``inflate`` undoes its encoding. Its first bytes show its type, which ``file_types``
knows, and of a picture the ``picture_size``. ``robots_tag`` says whether its origin
reserves it.
"""
