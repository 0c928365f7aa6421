"""
Calls of the function: many in flight, none repeated once it may have run.

``invoker`` sends them, signed by ``signing``, over ``connections``, as many as
``in_flight`` allows, and this machine's ``descriptors``. ``service`` calls the
function's URL. ``logs`` and ``report_line`` read Lambda's log.
"""
