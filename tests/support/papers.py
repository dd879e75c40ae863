"""Certificates for tests: CAs, servers and clients, right and wrong."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_FIELDS = {"CN": NameOID.COMMON_NAME, "O": NameOID.ORGANIZATION_NAME, "C": NameOID.COUNTRY_NAME}


class Paper:
    """A certificate with its key, as files beside each other."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, stem: Path) -> None:
        self.certificate = certificate
        self.key = key
        self.cert_file = stem.with_suffix(".pem")
        self.key_file = stem.with_suffix(".key")
        self.cert_file.write_bytes(self.pem)
        self.key_file.write_bytes(self.key_pem())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, password: bytes | None = None) -> bytes:
        lock: Any = (
            serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        )
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def issue(
    folder: Path,
    name: str,
    *,
    by: Paper | None = None,
    ca: bool = False,
    subject: str | None = None,
    san: tuple[str, ...] = (),
    serial: int | None = None,
    days: tuple[int, int] = (-1, 30),
) -> Paper:
    """A certificate `name` valid from day to day, counted from today; without `by` it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = _name(f"CN={name}" if subject is None else subject)
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(by.certificate.subject if by else own)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if san:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(one) for one in san]), False)
    return Paper(builder.sign(by.key if by else key, _sha256()), key, folder / name)


def _sha256() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()


def _name(text: str) -> x509.Name:
    """`CN=app,O=Shop,C=DE`, by RFC 4514 the last part first."""
    parts = [part.split("=", 1) for part in text.split(",")] if text else []
    return x509.Name([x509.NameAttribute(_FIELDS[field], value) for field, value in reversed(parts)])


def _general(text: str) -> x509.GeneralName:
    if "://" in text:
        return x509.UniformResourceIdentifier(text)
    if "@" in text:
        return x509.RFC822Name(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def trusting(pem: bytes | str, client: Paper | None = None) -> ssl.SSLContext:
    """What a client speaks TLS with that trusts this CA, and none other; `client` is what it presents."""
    context = ssl.create_default_context(cadata=pem if isinstance(pem, str) else pem.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as newer Pythons do by themselves
    if client is not None:
        context.load_cert_chain(client.cert_file, client.key_file)
    return context


def names_in(certificate: dict[str, Any]) -> set[str]:
    """The names of a certificate, as `getpeercert` gives it."""
    return {value for _, value in certificate["subjectAltName"]}
