"""
Whose certificates are believed: one policy, whatever the engine and the Python.

The chain must lead to a certificate that this machine trusts, an authority's own or one
below it; all must be valid today, and the server's must name the host. libcurl checks
that. From 3.13 on Python also refuses certificates that do not have the form RFC 5280
wants, key identifiers above all. We do not: it turns away no impostor, only companies'
own authorities and appliances, which browsers and curl accept, and pycurl has no way to
ask libcurl for it. How a URL ends must not depend on who fetches it.
"""

from __future__ import annotations

import ssl


def context() -> ssl.SSLContext:
    """Return what verifies servers for an engine that leaves TLS to Python."""
    trusting = ssl.create_default_context()
    trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting.set_alpn_protocols(["http/1.1"])
    return trusting
