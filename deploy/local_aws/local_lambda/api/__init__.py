"""
The operations of Lambda's API, a module for each kind of thing they are about.

Each takes the registry of functions and a checked call, and returns what Lambda
would answer.
"""
