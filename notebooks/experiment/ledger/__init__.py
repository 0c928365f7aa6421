"""A run's folder: reports as they arrive, and where and on what the run took place."""
