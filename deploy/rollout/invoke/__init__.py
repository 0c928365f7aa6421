"""
Calls of the function: many in flight, none repeated once it may have run.

``invoker`` sends them over ``connections``, as many as ``in_flight_limit`` allows.
``service_client`` calls the function's URL; ``job_price`` says what a job of it costs.
``logs`` and ``report_line`` read what Lambda says of them.
"""
