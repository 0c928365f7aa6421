"""The goal: a million files in 60 seconds."""

from __future__ import annotations

GOAL_FILES = 1_000_000
GOAL_S = 60
GOAL_RATE = GOAL_FILES / GOAL_S
