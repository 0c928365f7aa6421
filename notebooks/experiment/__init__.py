"""Asking how fast a million files can be downloaded, and answering with charts."""
