"""Certificates from settings, with errors for settings that conflict."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from mockserver.errors import MissingExtraError, TlsSettingsError
from mockserver.http.tls.layer import ReadCert
from mockserver.settings import Settings

if TYPE_CHECKING:  # the library behind it is an extra, and heavy
    from mockserver.http.tls.certificates import Hosts

_ALL_ADDRESSES = ("", "0.0.0.0", "::")  # noqa: S104  (compared, not listened on)


class Secured(Protocol):
    """The TLS configuration of a server. `ca_pem` is None if the certificate is not from the server's own CA."""

    context: ssl.SSLContext

    @property
    def ca_pem(self) -> bytes | None: ...

    def context_for(self, name: str) -> ssl.SSLContext:
        """With the certificate that a client of that host is shown."""


def secured_by(settings: Settings, hosts: Hosts) -> Secured | None:
    """Return None without TLS. Raises TlsSettingsError; MissingExtraError without the library."""
    _check(settings)
    if not settings.tls:
        return None
    try:
        from mockserver.http.tls import authority
        from mockserver.http.tls.certificates import Certificates, OwnCertificate
    except ImportError:
        raise MissingExtraError((), "TLS", "tls") from None
    client_ca = Path(settings.tls_client_ca) if settings.tls_client_ca else None
    http2 = not settings.store  # replicas relay HTTP/1.1 only
    if settings.tls_cert:
        return OwnCertificate(
            Path(settings.tls_cert),
            Path(settings.tls_key),
            hosts.of_files(),
            client_ca=client_ca,
            http2=http2,
        )
    ca = authority.kept_in(Path(settings.tls_dir)) if settings.tls_dir else authority.made()
    return Certificates(ca, hosts, _own_names(settings), client_ca, http2=http2)


def cert_reader() -> ReadCert:
    """Import the reader of client certificates, only with TLS, since it needs the library."""
    from mockserver.http.tls.client_certs import read_client_cert

    return read_client_cert


def _check(settings: Settings) -> None:
    given = {
        "--tls-port": settings.tls_port is not None,
        "--tls-dir": settings.tls_dir,
        "--tls-cert": settings.tls_cert,
        "--tls-key": settings.tls_key,
        "--tls-client-ca": settings.tls_client_ca,
    }
    named = [flag for flag, value in given.items() if value]
    if named and not settings.tls:
        raise TlsSettingsError(f"{named[0]} does nothing without --tls. Add --tls, or leave {named[0]} out")
    if bool(settings.tls_cert) != bool(settings.tls_key):
        there, lacking = ("--tls-cert", "--tls-key") if settings.tls_cert else ("--tls-key", "--tls-cert")
        raise TlsSettingsError(
            f"{there} needs {lacking} beside it. Give both, or neither to have certificates made"
        )
    if settings.tls_cert and settings.tls_dir:
        raise TlsSettingsError(
            "--tls-dir keeps a CA, and with --tls-cert none is used. Leave one of the two out"
        )
    if settings.tls_port and settings.tls_port in (settings.port, settings.admin_port):
        raise TlsSettingsError(
            f"--tls-port {settings.tls_port} is used by another flag. "
            "Leave --tls-port out: then --port speaks both, plain and TLS"
        )


def _own_names(settings: Settings) -> list[str]:
    """Return this server's names besides localhost."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return [name.lower() for name in (public, settings.host) if name and name not in _ALL_ADDRESSES]
