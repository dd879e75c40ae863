"""Client certificates as conditions see them. Importing it needs the extra `tls`."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from mockserver.model.client_cert import ClientCert


def read_client_cert(der: bytes) -> ClientCert:
    """Read a verified certificate. Raises ValueError if it can't be parsed."""
    certificate = x509.load_der_x509_certificate(der)
    return ClientCert(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        san=_names(certificate),
        serial=_hex(certificate.serial_number),
        fingerprint_sha256=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    texts = (_text(name) for name in names)
    return tuple(text for text in texts if text)


def _text(name: x509.GeneralName) -> str:
    """Return a name as text; empty for kinds without text."""
    match name:
        case x509.DNSName() | x509.RFC822Name() | x509.UniformResourceIdentifier():
            return name.value
        case x509.IPAddress():
            return str(name.value)
        case x509.DirectoryName():
            return name.value.rfc4514_string()
    return ""


def _hex(number: int) -> str:
    """Return the serial in whole bytes, as `openssl x509 -serial` prints it."""
    digits = f"{number:X}"
    return digits if len(digits) % 2 == 0 else f"0{digits}"
