"""Certificates made on the spot, by an authority that only a test trusts."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = dt.timedelta(days=1)
_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    **dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment"),
            *("data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
        ),
        False,
    ),
)


class Authority:
    """
    Signs certificates for servers on loopback.

    Args:
        folder: Where certificates are kept as files, as TLS libraries want them.

        issuer: The authority that signed its own certificate; None: this one.
    """

    def __init__(self, folder, issuer=None):
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("an authority" if issuer is None else "one below it")
        issuer = issuer or self
        issued = _build(issuer._name, self._key, self._name)
        issued = issued.add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        ).add_extension(_SIGNS_CERTIFICATES, critical=True)
        issued = _identified(issued, self._key, issuer._key)
        self.path = folder / "authority.pem"
        self.path.write_bytes(_pem(issued.sign(issuer._key, hashes.SHA256())))

    def file(self, host="127.0.0.1", days_old=1, *, signed=True, identified=True):
        """
        Return the path of a file with a server's certificate and its key.

        Args:
            host: An address or a name it is valid for.

            days_old: Valid from then, for two days.

            signed: Whether by this authority; else by itself.

            identified: Whether it names its key and its signer's, as RFC 5280 wants.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        name, signer = _named(host), self._key if signed else key
        issued = _build(self._name if signed else name, key, name, days_old)
        issued = issued.add_extension(_alternative(host), critical=False)
        if identified:
            issued = _identified(issued, key, signer)
        path = self._folder / f"{len(list(self._folder.iterdir()))}.pem"
        path.write_bytes(
            _pem(issued.sign(signer, hashes.SHA256()))
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


def _build(issuer, key, subject, days_old=1):
    made = dt.datetime.now(dt.UTC) - days_old * _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(made)
        .not_valid_after(made + 2 * _DAY)
    )


def _identified(issued, key, signer):
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signers = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return issued.add_extension(own, critical=False).add_extension(
        signers, critical=False
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
