"""Reading of certificates and keys from files, with errors that name the problem."""

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
    except OSError as error:
        raise TlsSettingsError(f"{path} can't be read: {error.strerror or error}") from error


def read_certificates(path: Path) -> list[x509.Certificate]:
    """At least one. Raises TlsSettingsError."""
    text = read_file(path)
    if b"BEGIN CERTIFICATE" not in text:
        held = "it holds a key" if b"PRIVATE KEY" in text else "PEM begins with -----BEGIN CERTIFICATE-----"
        raise TlsSettingsError(f"{path} has no certificate in PEM: {held}")
    try:
        return x509.load_pem_x509_certificates(text)
    except ValueError as error:
        raise TlsSettingsError(f"{path} has a certificate that can't be read: {error}") from error


def read_key(path: Path) -> PrivateKeyTypes:
    """Raises TlsSettingsError, also for an encrypted key: its password can't be asked for."""
    text = read_file(path)
    try:
        return serialization.load_pem_private_key(text, None)
    except TypeError as error:
        raise TlsSettingsError(
            f"the key {path} is encrypted. Write it without a password: openssl pkey -in {path} -out plain.pem"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        held = (
            "it holds a certificate"
            if b"BEGIN CERTIFICATE" in text and b"PRIVATE KEY" not in text
            else str(error)
        )
        raise TlsSettingsError(f"{path} has no private key in PEM that can be read: {held}") from error


def key_pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def pem_of(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(item.public_bytes(serialization.Encoding.PEM) for item in certificates)


def fits(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    return certificate.public_key() == key.public_key()


def check_fits(
    certificate: x509.Certificate, key: PrivateKeyTypes, certificate_path: Path, key_path: Path
) -> None:
    """Raises TlsSettingsError if the key belongs to another certificate."""
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
