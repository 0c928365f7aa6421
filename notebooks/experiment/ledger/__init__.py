"""
The folder of a run: its reports as they arrive, and where the run took place.

``invocation`` is a line of the ledger, ``reports`` the file of these lines,
``run_folder`` everything around it; ``download_rows`` has the outcomes of a line as
arrays, ``fingerprint`` identifies a list of URLs, ``machine`` describes this machine.
"""
