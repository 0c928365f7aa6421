"""
A model of the fleet: how long, for how many dollars, and what binds.

* ``question``: what to download, with which fleet.
* ``draws``: values of the constants of `aws_facts.constants`, drawn from their ranges.
* ``starts``: when executions start; ``work``: how long one takes over its files.
* ``tail``: executions that take long; ``schedule``: shards pulled and hedged.
* ``forecast``: all that, many times over; ``dollars``: its bill.
* ``asking``: settings and plans as questions; ``answers``: tables over many fleets;
  ``words``: all as a report shows it; ``sentences``: as `plan` prints it.
* ``limits``: what binds; ``records``: recorded runs of others, predicted.
"""
