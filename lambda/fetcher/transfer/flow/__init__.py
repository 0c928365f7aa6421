"""
Flow control: who may download, when, and for how long; the same for every engine.

* ``download_slots``: connections count downloads at work; silent ones give their slot
  back. And counts of what is under way, for whoever shows progress.
* ``adaptive_limit`` finds out how many connections are of use.
* ``watch`` ends downloads that take too long, with ``stall``.
* ``adaptive_timeout``: how long silence is worth waiting for, by what waiting has
  brought.
* ``retry_queue``: what is tried again, and in which order.
* ``early_end``: when a shard ends before the silent have had all their time.
* ``host`` and ``host_queues`` decide how hard a host is pressed, with a
  ``host_backoff`` for those that say it is too much.

All of it is told the time, and asks no clock: `now` is the monotonic clock, in seconds.
"""
