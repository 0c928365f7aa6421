"""
What a newcomer's account allows, looked at before anything is made.

``examine`` goes through sign-in, region, ``permissions``, ``limits`` and what earlier
deployments left; each answer is a ``finding``.
"""
