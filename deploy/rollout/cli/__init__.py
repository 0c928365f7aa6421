"""
The sub-commands of `rollout`, a module each; ``options`` has what they share.

``serve`` runs the local endpoint in the foreground, with an origin beside it.
"""
