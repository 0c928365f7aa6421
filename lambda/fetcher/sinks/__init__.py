"""
Sinks: where bodies go.

* ``directory`` keeps files in ``folders``; ``scratch`` is one in temporary storage.
* ``discard`` throws bodies away.
* ``s3_objects`` makes each body an object, from a ``spooled_body``.
* ``s3_tar`` writes one tar: each file an ``s3_tar_member``, some of them an
  ``s3_tar_part``, all listed in an ``s3_tar_index``.
"""
