"""
Sinks: where bodies go.

* ``destination`` chooses the sink of a command: a ``resumable_sink``, whose bodies a
  later run finds again.
* ``directory`` keeps files in ``open_folders``, named by ``layouts``;
  ``temporary_directory`` is one in temporary storage. ``file_extension`` chooses the
  end of a name; ``sidecar_fields`` are what is said of a body.
* ``file_writing`` writes files whole; ``discard`` throws bodies away.
* ``s3_objects`` makes each body an object, from a ``spooled_body``;
  ``deferred_results`` holds back what is not safe yet.
* ``tars`` are WebDataset's, on this machine and in S3.
"""
