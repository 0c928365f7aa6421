"""
The operations of Lambda's API, a module for each kind of thing.

Each takes the registry of functions and a checked call, and returns what Lambda
would answer: ``functions``, ``versions``, ``aliases``, ``layers``, ``concurrency``,
``event_configs``, ``function_urls``, ``policies``, ``tags``, and ``empty_answers``,
which reads what there never is. ``operations`` lists them; creating and updating a
function share ``configuration_validation``.
"""
