"""
From runs to the time of a million files, and settings compared by it.

``run_phases`` tells start-up and tail from the rest; ``projected_million`` is the only
way from a run to a million files; ``million_time`` is that of several runs of one
setting, by which a ``setting_ranking`` orders them.
"""
