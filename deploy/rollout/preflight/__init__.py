"""
Would it work there? Everything is asked before anything is made.

``demand`` says what is wanted; ``checks`` compares it with what the account and the
``bucket`` offer.
"""
