"""
The CA that signs the server's certificates: created once, stored in a folder or in memory.

Importing it needs the extra `tls`.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mockserver.errors import TlsSettingsError
from mockserver.http.tls.pem import (
    check_fits,
    check_times,
    key_pem,
    pem_of,
    read_certificates,
    read_file,
    read_key,
)

CERTIFICATE = "ca.pem"
KEY = "ca-key.pem"
"""The file holds key and certificate, so that it is written atomically."""

_CA_DAYS = 3650
LEAF_DAYS = 397
"""Limit of some clients for the validity of server certificates."""
_SKEW = dt.timedelta(days=1)
"""Tolerance for clocks of other machines and containers."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA's certificate, followed by those of its issuers, and its key."""

    certificates: tuple[x509.Certificate, ...]
    key: CertificateIssuerPrivateKeyTypes

    @property
    def certificate(self) -> x509.Certificate:
        return self.certificates[0]

    @property
    def pem(self) -> bytes:
        """The certificates in PEM."""
        return pem_of(self.certificates)

    def leaf(self, names: Sequence[str]) -> bytes:
        """
        Create a server certificate for these host names and addresses: key, certificate and issuers in PEM. Names that
        a certificate can't hold are left out.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mockserver")])
        builder = (
            _builder(subject, self.certificate.subject, key.public_key(), LEAF_DAYS)
            .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(self._key_identifier(), critical=False)
        )
        leaf = builder.sign(self.key, _hash_for(self.key))
        return key_pem(key) + pem_of([leaf]) + self.pem

    def _key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """The key identifier that identifies the issuer; a foreign CA may have none."""
        try:
            own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def made() -> Authority:
    """Create a CA. Its name is unique, since clients look up issuers by name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"mockserver CA {secrets.token_hex(4)}")])
    builder = (
        _builder(name, name, key.public_key(), _CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )
    return Authority((builder.sign(key, hashes.SHA256()),), key)


def kept_in(folder: Path) -> Authority:
    """Load the CA of that folder, or create it. Processes that start at once get the same one. Raises TlsSettingsError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # In this order: another process creates the key first.
        has_certificate = (folder / CERTIFICATE).exists()
        has_key = (folder / KEY).exists()
    except OSError as error:
        raise _unusable(folder, error) from error
    if has_certificate and not has_key:
        raise TlsSettingsError(
            f"--tls-dir {folder} has {CERTIFICATE} without its key {KEY}. "
            f"Put the key beside it, or remove {CERTIFICATE} to have a new CA made"
        )
    try:
        if not has_key:
            new = made()
            _publish(folder / KEY, key_pem(new.key) + new.pem, 0o600)
        if not has_certificate:
            _publish(folder / CERTIFICATE, _certificate_of(folder), 0o644)
    except OSError as error:
        raise _unusable(folder, error) from error
    return _loaded(folder)


def _certificate_of(folder: Path) -> bytes:
    """Read the certificate from the key's file. Raises TlsSettingsError if it holds only a key."""
    text = read_file(folder / KEY)
    if b"BEGIN CERTIFICATE" not in text:
        raise TlsSettingsError(
            f"--tls-dir {folder} has the key {KEY} without its certificate {CERTIFICATE}. "
            f"Put the certificate beside it, or remove {KEY} to have a new CA made"
        )
    return pem_of(read_certificates(folder / KEY))


def _publish(path: Path, data: bytes, mode: int) -> None:
    """Create the file atomically, unless it exists. Raises OSError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
            os.fchmod(stream.fileno(), mode)
        with suppress(FileExistsError):  # another process was quicker, and its CA is used
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _loaded(folder: Path) -> Authority:
    certificate_path, key_path = folder / CERTIFICATE, folder / KEY
    certificates = read_certificates(certificate_path)
    key: Any = read_key(key_path)  # a key that fits a certificate can sign
    check_fits(certificates[0], key, certificate_path, key_path)
    check_times(certificates[0], certificate_path)
    if not _may_sign(certificates[0]):
        raise TlsSettingsError(
            f"{certificate_path} is not a CA, so it can't sign certificates. "
            "Give a server's own certificate with --tls-cert and --tls-key"
        )
    return Authority(tuple(certificates), key)


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return constraints.value.ca


def _unusable(folder: Path, error: OSError) -> TlsSettingsError:
    return TlsSettingsError(
        f"--tls-dir {folder} can't be used: {error.strerror or error}. "
        "Give a folder that may be written, or leave it out: then the CA lives as long as the process"
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, days: int
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now - _SKEW + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _hash_for(key: CertificateIssuerPrivateKeyTypes) -> hashes.SHA256 | None:
    return None if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)) else hashes.SHA256()


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    result: list[x509.GeneralName] = []
    for name in names:
        try:
            result.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            with suppress(ValueError):
                result += _dns_name(name)
    return result


_HOST_NAME = re.compile(r"(?=.{1,253}\Z)(?!.*\.\.)[a-z0-9_*.-]+", re.IGNORECASE)


def _dns_name(name: str) -> list[x509.GeneralName]:
    """Return None for an invalid host name, which no client asks for. May raise ValueError."""
    ascii_name = name.encode("idna").decode()
    return [x509.DNSName(ascii_name)] if _HOST_NAME.fullmatch(ascii_name) else []
