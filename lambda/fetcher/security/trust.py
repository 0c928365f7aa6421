"""
The certificate policy: one for every engine and every version of Python.

The chain must lead to a certificate that this machine trusts, an authority's own or one
below it; all must be valid today, and the server's must name the host. libcurl checks
that. From 3.13 on Python also refuses certificates that do not have the form RFC 5280
requires, key identifiers above all. We do not: that stops no impostor, only companies'
own authorities and appliances, which browsers and curl accept, and pycurl cannot ask
libcurl for it. The outcome of a URL must not depend on the engine.
"""

from __future__ import annotations

import ssl


def context() -> ssl.SSLContext:
    """Return the TLS context of an engine that leaves TLS to Python."""
    policy = ssl.create_default_context()
    policy.verify_flags &= ~ssl.VERIFY_X509_STRICT
    policy.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    policy.set_alpn_protocols(["http/1.1"])
    return policy
