"""Certificates and keys as they stand in files: read, and what can be wrong with them said clearly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from mockserver.errors import TlsSettingsError


def read_file(path: Path) -> bytes:
    """Raises TlsSettingsError."""
    try:
        return path.read_bytes()
    except OSError as why:
        raise TlsSettingsError(f"{path} can't be read: {why.strerror or why}") from why


def read_certificates(path: Path) -> list[x509.Certificate]:
    """At least one. Raises TlsSettingsError."""
    text = read_file(path)
    if b"BEGIN CERTIFICATE" not in text:
        held = "it holds a key" if b"PRIVATE KEY" in text else "PEM begins with -----BEGIN CERTIFICATE-----"
        raise TlsSettingsError(f"{path} has no certificate in PEM: {held}")
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError as why:
        raise TlsSettingsError(f"{path} has a certificate that can't be read: {why}") from why


def read_key(path: Path) -> PrivateKeyTypes:
    """Raises TlsSettingsError, for an encrypted key too: nobody is there to be asked for its password."""
    text = read_file(path)
    try:
        return serialization.load_pem_private_key(text, None)
    except TypeError as why:
        raise TlsSettingsError(
            f"the key {path} is encrypted. Write it without a password: openssl pkey -in {path} -out plain.pem"
        ) from why
    except (ValueError, UnsupportedAlgorithm) as why:
        held = (
            "it holds a certificate"
            if b"BEGIN CERTIFICATE" in text and b"PRIVATE KEY" not in text
            else str(why)
        )
        raise TlsSettingsError(f"{path} has no private key in PEM that can be read: {held}") from why


def key_pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem_of(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def fits(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    return certificate.public_key() == key.public_key()


def check_fits(
    certificate: x509.Certificate, key: PrivateKeyTypes, certificate_path: Path, key_path: Path
) -> None:
    """Raises TlsSettingsError where the key is another certificate's."""
    if not fits(certificate, key):
        raise TlsSettingsError(f"the key {key_path} does not fit the certificate {certificate_path}")


def check_times(certificate: x509.Certificate, path: Path) -> None:
    """Raises TlsSettingsError for a certificate that is not valid now."""
    now = dt.datetime.now(dt.UTC)
    if certificate.not_valid_after_utc < now:
        day = certificate.not_valid_after_utc.date()
        raise TlsSettingsError(f"the certificate {path} expired on {day}. Renew it")
    if certificate.not_valid_before_utc > now:
        day = certificate.not_valid_before_utc.date()
        raise TlsSettingsError(
            f"the certificate {path} is valid only from {day} on. Is this machine's clock right?"
        )
