"""
Selection of the certificate: one for all known names, or one for the name that the client asks for (SNI).

A name gets its own certificate only if it is the `host` of a scenario or leads to this machine; for others the common
one is used.
"""

from __future__ import annotations

import logging
import os
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from cryptography import x509

from mockserver.errors import TlsSettingsError
from mockserver.http.tls.authority import LEAF_DAYS, Authority
from mockserver.http.tls.pem import check_fits, check_times, fits, pem_of, read_certificates, read_key
from mockserver.real_time import REAL

log = logging.getLogger("mockserver")

MOST_TOGETHER = 100
"""Names in one certificate: clients reject very large ones."""
_MOST_KEPT = 256
_RENEW_AFTER_S = (LEAF_DAYS - 30) * 86400.0
OWN_NAMES = ("localhost", "127.0.0.1", "::1")


class Hosts(Protocol):
    """The host names of scenarios, in lower case, without ports."""

    def of_files(self) -> frozenset[str]:
        """Names in scenario files; the same object until the next reload."""

    def names(self, host: str) -> bool:
        """Whether any scenario has this host, including those added at runtime."""


class Certificates:
    """Certificates of the server's own CA. A handshake starts with `context`; the client's name may change it."""

    def __init__(
        self,
        authority: Authority,
        hosts: Hosts,
        names: Sequence[str],
        client_ca: Path | None = None,
        *,
        http2: bool = True,
    ) -> None:
        self.authority = authority
        self._hosts = hosts
        self._names = tuple(dict.fromkeys((*OWN_NAMES, *names)))
        self._client_ca = client_ca
        self._http2 = http2
        self._by_name: OrderedDict[str, tuple[ssl.SSLContext, float]] = OrderedDict()
        self._together: frozenset[str] = frozenset()
        self._files: frozenset[str] | None = None
        self._made_at_s = 0.0
        self.context = self._for_all()
        self.context.sni_callback = self._choose

    @property
    def ca_pem(self) -> bytes | None:
        return self.authority.pem

    def _for_all(self) -> ssl.SSLContext:
        """Return the certificate with this machine's names and as many as fit of the scenario files' names."""
        self._files = self._hosts.of_files()
        named = [*self._names, *sorted(self._files - set(self._names))][:MOST_TOGETHER]
        self._together = frozenset(named)
        self._made_at_s = REAL.monotonic()
        self._default = self._made(named)
        return self._default

    def _made(self, names: Sequence[str]) -> ssl.SSLContext:
        context = server_context(self._client_ca, http2=self._http2)
        with _as_file(self.authority.leaf(names)) as path:
            context.load_cert_chain(path)
        return context

    def _choose(self, tls: ssl.SSLObject, name: str | None, begun: ssl.SSLContext) -> None:  # noqa: ARG002
        """Select the context during a handshake; an exception here would end it silently."""
        try:
            tls.context = self.context_for((name or "").lower().rstrip("."))
        except Exception:
            log.exception("no certificate could be made for %s", name)

    def context_for(self, name: str) -> ssl.SSLContext:
        """With the certificate for that name, or the one for all."""
        if self._files is not self._hosts.of_files() or _is_old(self._made_at_s):
            self._for_all()
        kept = self._by_name.get(name)
        if not name or name in self._together or not (kept or self._deserves(name)):
            return self._default
        if kept is None or _is_old(kept[1]):
            kept = self._by_name[name] = self._made([name]), REAL.monotonic()
            while len(self._by_name) > _MOST_KEPT:
                self._by_name.popitem(last=False)
        self._by_name.move_to_end(name)
        return kept[0]

    def _deserves(self, name: str) -> bool:
        return name.endswith(".localhost") or self._hosts.names(name)


class OwnCertificate:
    """The user's certificate, for all clients. Raises TlsSettingsError for invalid files."""

    ca_pem = None

    def __init__(
        self,
        certificate: Path,
        key: Path,
        hosts: frozenset[str],
        client_ca: Path | None = None,
        *,
        http2: bool = True,
    ) -> None:
        chain, private = read_certificates(certificate), read_key(key)
        if any(fits(item, private) for item in chain[1:]) and not fits(chain[0], private):
            raise TlsSettingsError(
                f"{certificate} starts with the certificate of another key. Put the server's own first, then its CAs"
            )
        check_fits(chain[0], private, certificate, key)
        check_times(chain[0], certificate)
        self.context = server_context(client_ca, http2=http2)
        try:
            self.context.load_cert_chain(certificate, key)
        except (ssl.SSLError, OSError) as error:
            raise TlsSettingsError(f"{certificate} can't be served: {error}") from error
        self._warn(certificate, chain[0], hosts)

    def context_for(self, name: str) -> ssl.SSLContext:  # noqa: ARG002  (there is one for all)
        return self.context

    @staticmethod
    def _warn(path: Path, certificate: x509.Certificate, hosts: frozenset[str]) -> None:
        names = _dns_names(certificate)
        lacking = [host for host in sorted(hosts) if not any(_covers(name, host) for name in names)]
        if lacking:
            log.warning("%s does not name %s, which scenarios name as host", path, ", ".join(lacking[:10]))


def server_context(client_ca: Path | None = None, *, http2: bool = True) -> ssl.SSLContext:
    """Create a context: TLS 1.2 or later, HTTP/2 or HTTP/1.1. With `client_ca` a client certificate is optional."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    if client_ca is not None:
        _trust(context, client_ca)
    return context


def _trust(context: ssl.SSLContext, client_ca: Path) -> None:
    certificates = read_certificates(client_ca)
    if len(certificates) == 1:
        check_times(certificates[0], client_ca)
    context.load_verify_locations(cadata=pem_of(certificates).decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate CA may be the trust anchor


def _is_old(made_at_s: float) -> bool:
    return REAL.monotonic() - made_at_s > _RENEW_AFTER_S


@contextmanager
def _as_file(pem: bytes) -> Iterator[str]:
    """Provide a file for `ssl`, which reads keys only from files: in memory if possible, for read-only disks."""
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("certificate", os.MFD_CLOEXEC)
        try:
            os.write(handle, pem)
            yield f"/proc/self/fd/{handle}"
        finally:
            os.close(handle)
        return
    with tempfile.NamedTemporaryFile() as stream:
        stream.write(pem)
        stream.flush()
        yield stream.name


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    addresses = [str(item) for item in names.get_values_for_type(x509.IPAddress)]
    return [name.lower() for name in names.get_values_for_type(x509.DNSName)] + addresses


def _covers(name: str, host: str) -> bool:
    """Whether a certificate's name matches the host; a star stands for one label (RFC 9525 6.3)."""
    return name == host or (name.startswith("*.") and name[2:] == host.partition(".")[2])
