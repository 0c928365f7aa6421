"""Logs of functions: ``environment_log`` keeps them, ``shipper`` sends them on."""
