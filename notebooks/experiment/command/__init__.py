"""Commands: ``arguments`` and ``runner`` of `python -m experiment`; ``aws_check``."""
