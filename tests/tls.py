"""Certificates made on the spot, by an authority that only a test trusts."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = dt.timedelta(days=1)


class Authority:
    """
    Signs certificates for servers on loopback.

    Args:
        folder: Where certificates are kept as files, as TLS libraries want them.
    """

    def __init__(self, folder):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("an authority")
        issued = self._build(self._name, self._key)
        issued = issued.add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.path = folder / "authority.pem"
        self.path.write_bytes(_pem(issued.sign(self._key, hashes.SHA256())))

    def file(self, host="127.0.0.1", days_old=1, signed=True):
        """
        Return the path of a file with a server's certificate and its key.

        Args:
            host: An address or a name it is valid for.

            days_old: Valid from then, for two days.

            signed: Whether by this authority; else by itself.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name = _named(host)
        issued = self._build(self._name if signed else name, key, name, days_old)
        issued = issued.add_extension(_alternative(host), critical=False)
        path = self._folder / f"{len(list(self._folder.iterdir()))}.pem"
        path.write_bytes(
            _pem(issued.sign(self._key if signed else key, hashes.SHA256()))
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    def context(self, *args, **kwargs):
        """Return the context of a server with such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file(*args, **kwargs))
        return context

    def _build(self, issuer, key, subject=None, days_old=1):
        made = dt.datetime.now(dt.UTC) - days_old * _DAY
        return (
            x509.CertificateBuilder()
            .subject_name(subject or issuer)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(made)
            .not_valid_after(made + 2 * _DAY)
        )


def _named(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _alternative(host):
    try:
        name = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        name = x509.DNSName(host)
    return x509.SubjectAlternativeName([name])


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
