"""Getting the worker onto AWS Lambda, or its local stand-in, and talking to it."""
