"""
How fast a million files can be downloaded, and at what cost, by experiment.

``parameters`` → ``plan`` → ``run`` → ``ledger`` → ``tables`` → ``charts``: each is made
from the one before. ``cost`` prices plans and runs, ``session`` opens the target,
``command`` runs notebooks as batch jobs, ``bench`` compares `fetcher` with others.
"""
