"""A self-signed certificate for loopback."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from origin.server import HOST

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "localhost"
_VALID = timedelta(days=7)  # no experiment takes longer
_CLOCKS_DIFFER = timedelta(hours=1)


def write_certificate(certificate: Path, key: Path) -> None:
    """
    Write a new certificate for 127.0.0.1 and localhost, and its key.

    It is its own authority: a client that trusts this file can verify the server.
    """
    private = ec.generate_private_key(ec.SECP256R1())
    signed = _builder(private.public_key()).sign(private, SHA256())
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def _builder(public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _VALID)
    )
    for extension, critical in _extensions(public):
        builder = builder.add_extension(extension, critical=critical)
    return builder


def _extensions(
    public: ec.EllipticCurvePublicKey,
) -> list[tuple[x509.ExtensionType, bool]]:
    """Return the extensions that strict clients require, as Python 3.13 does."""
    names = [x509.DNSName(_NAME), x509.IPAddress(ip_address(HOST))]
    return [
        (x509.SubjectAlternativeName(names), False),
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (_signs(), True),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False),
    ]


def _signs() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
