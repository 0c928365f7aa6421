"""
A model of the fleet: how long, for how many dollars, and what binds.

* ``question``: what to download, with which fleet.
* ``constant_draws``: values of `aws_facts.fleet_constants`, drawn from their ranges.
* ``model``: when executions start, and how long they take.
* ``forecast``: all that, many times over; ``dollars``: its bill.
* ``forecast_questions``: questions from settings and plans.
* ``trade_offs``: tables over many fleets; ``sensitivity``: what moves the time;
  ``report_tables``: all as a report shows it; ``sentences``: as `plan` prints it;
  ``what_if_sliders``: as sliders.
* ``bottlenecks``: what binds; ``validation``: recorded runs of others, predicted.
* ``calibration``: constants measured in an account.
"""
