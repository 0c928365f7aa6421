"""Lists from elsewhere: ``list_conversion`` makes them one list in JSON lines."""
