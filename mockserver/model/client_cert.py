"""The verified certificate of a client, as conditions see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClientCert:
    """
    `subject` and `issuer` by RFC 4514 (`CN=app,O=Shop,C=DE`), `san` its names (`app.internal`, `spiffe://shop/app`,
    `10.0.0.7`), `serial` in upper-case hex as `openssl x509 -serial` prints it, `fingerprint_sha256` of the whole
    certificate in lower-case hex.
    """

    subject: str
    issuer: str
    san: tuple[str, ...]
    serial: str
    fingerprint_sha256: str
