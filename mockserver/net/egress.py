"""
Who may be called: the one door for everything that goes out.

A host is open if it stands literally in a scenario file on disk, or was given
by `--allow-egress`. Its name is resolved once, every address is looked at, and
the connection goes to just these addresses: a name that answers differently a
moment later changes nothing. Link-local and metadata addresses are never open.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from mockserver.errors import InvalidInput, MockServerError, Wrong, shown
from mockserver.net.addresses import METADATA_NAMES, Address, Network, as_address, forbidden, read_host
from mockserver.replying.templates import Scope, TemplateError, compile_text

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a name, in the order in which to try them. Raises OSError."""

_HINT = "Write HOST, HOST:PORT or a network such as 10.0.0.0/8"
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


class EgressRefused(MockServerError):
    """Nobody may be called there. `reason` says why, `remedy` what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{reason}. {remedy}")


class Unresolved(MockServerError):
    """The name has no address."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One `--allow-egress`: a name or a network, and a port if only that one."""

    host: str | Network
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Rule:
        """Raises Wrong."""
        if "://" in text or "@" in text:
            raise Wrong(f"{shown(text)} is a URL", _HINT)
        if "/" in text:
            try:
                return cls(ip_network(text, strict=False))
            except ValueError as why:
                raise Wrong(f"{shown(text)} is no network", _HINT) from why
        found = re.fullmatch(r"\[([^\]]*)\](?::(\d+))?|([^:]*)(?::(\d+))?", text)
        bare, port = (found[1] or found[3] or "", found[2] or found[4]) if found else (text, None)
        if port is not None and not 1 <= int(port) <= 65535:
            raise Wrong(f"{shown(text)} has no port from 1 to 65535", _HINT)
        try:
            host = read_host(bare.encode("idna").decode() if not bare.isascii() else bare)
        except ValueError as why:
            raise Wrong(f"{shown(text)} is no host", _HINT) from why
        return cls(host if isinstance(host, str) else ip_network(host), int(port) if port else None)

    def takes_port(self, port: int) -> bool:
        return self.port is None or self.port == port


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request may go: its URL, and the addresses that were looked at. Connect to no others."""

    url: URL
    host: str
    port: int
    addresses: tuple[str, ...]

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class PinnedResolver(AbstractResolver):
    """Gives aiohttp the addresses of a target, and of nothing else."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  (its addresses are chosen already)
    ) -> list[ResolveResult]:
        if host.removesuffix(".").lower() != self._target.host:
            raise OSError(f"{host} is not the host that was looked at")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._target.addresses
        ]

    async def close(self) -> None:
        """Holds nothing."""


class Egress:
    """
    The rules. `allowed` is what `--allow-egress` was given, `literal_hosts` the
    hosts of the scenario files of this moment, as `literal_host` gives them.

    Raises InvalidInput for what is no rule.
    """

    def __init__(
        self,
        allowed: Iterable[str] = (),
        literal_hosts: Callable[[], Set[str]] = frozenset,
        resolver: Resolver | None = None,
    ) -> None:
        rules = [Rule.parse(text) for text in allowed]
        self._names = [rule for rule in rules if isinstance(rule.host, str)]
        self._networks = [rule for rule in rules if not isinstance(rule.host, str)]
        self._literal_hosts = literal_hosts
        self._resolver = resolver or look_up

    async def resolve(self, url: str) -> Target:
        """Raises EgressRefused, and Unresolved for a name without an address."""
        parsed, host, port = _read(url)
        if isinstance(host, str):
            addresses = await self._addresses(host, port)
        else:
            _check([host], str(host))
            if str(host) not in self._literal_hosts() and not self._in_networks(host, port):
                raise self._closed(str(host), port)
            addresses = (host,)
        text = str(host)
        if parsed.raw_host != text:
            parsed = parsed.with_host(text)
        return Target(parsed, text, port, tuple(map(str, addresses)))

    async def _addresses(self, name: str, port: int) -> tuple[Address, ...]:
        if name in METADATA_NAMES:
            raise EgressRefused(f"{name} is a cloud's metadata service", _NEVER)
        by_name = self._is_open(name, port)
        if not by_name and not any(rule.takes_port(port) for rule in self._networks):
            raise self._closed(name, port)  # a name that is not open is not even looked up
        try:
            texts = await self._resolver(name, port)
        except (OSError, UnicodeError) as why:
            raise Unresolved(f"the name {name!r} can't be resolved") from why
        addresses = [as_address(text) for text in texts]
        if not addresses or None in addresses:
            raise Unresolved(f"the name {name!r} has no address")
        found = tuple(dict.fromkeys(one for one in addresses if one is not None))
        _check(found, name)
        if not by_name and not all(self._in_networks(one, port) for one in found):
            raise self._closed(name, port)
        return found

    def _is_open(self, name: str, port: int) -> bool:
        return name in self._literal_hosts() or any(
            rule.host == name and rule.takes_port(port) for rule in self._names
        )

    def _in_networks(self, address: Address, port: int) -> bool:
        return any(
            rule.takes_port(port) and not isinstance(rule.host, str) and address in rule.host
            for rule in self._networks
        )

    def _closed(self, host: str, port: int) -> EgressRefused:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return EgressRefused(
            f"{place} stands in no scenario file and was not allowed",
            f"Start the server with --allow-egress {place}, or write the URL into a scenario file",
        )


_NEVER = "No setting opens it"


def _check(addresses: Iterable[Address], name: str) -> None:
    for address in addresses:
        what = forbidden(address)
        if what is not None:
            said = what if str(address) == name else f"{address}, {what}"
            raise EgressRefused(f"{name} is {said}", _NEVER)


def _read(url: str) -> tuple[URL, str | Address, int]:
    """A URL, its host and its port. Raises EgressRefused."""
    remedy = "Write an http or https URL such as http://app:8000/hooks"
    if _UNSAFE.search(url):
        raise EgressRefused(f"{shown(url)} holds a space, a control character or a backslash", remedy)
    try:
        parsed = URL(url, encoded=url.isascii())
        port = parsed.port
        host = parsed.raw_host
    except ValueError as why:
        raise EgressRefused(f"{shown(url)} is no URL", remedy) from why
    if parsed.scheme not in ("http", "https") or not host or not port:
        raise EgressRefused(f"{shown(url)} is no http or https URL", remedy)
    if "@" in parsed.raw_authority:
        raise EgressRefused("a URL with user and password is not called", "Send them as a header instead")
    try:
        return parsed, read_host(host), port
    except ValueError as why:
        raise EgressRefused(f"the host of {shown(url)} can't be used: {why}", remedy) from why


async def look_up(name: str, port: int) -> list[str]:
    """
    The system's resolver, in a thread that nobody waits for: a name server that
    doesn't answer must not hold up the end of the process. Raises OSError.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], why: Exception | None) -> None:
        if not found.done():
            if why is None:
                found.set_result(addresses)
            else:
                found.set_exception(why)

    def ask() -> None:
        addresses: list[str] = []
        failed: Exception | None = None
        try:
            entries = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except (OSError, UnicodeError) as why:
            failed = why
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(settle, addresses, failed)

    threading.Thread(target=ask, name="mockserver-resolve", daemon=True).start()
    return await found


# Which hosts stand in a file

Render = Callable[[str, Mapping[str, Any]], str]
"""A template's text made of `vars` alone. Raises MockServerError where it depends on anything else."""

_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_AUTHORITY = re.compile(r"https?://[^/?#]*[/?#]", re.IGNORECASE)


def literal_host(source: str, constants: Mapping[str, Any], render: Render | None = None) -> str | None:
    """
    The host of a webhook's URL, if nothing but the file decides it: the whole
    text, or, where what follows varies, all up to the end of the authority.
    None where a request could choose the host.
    """
    render = render or with_vars
    text = _made(render, source, constants)
    if text is not None:
        return _host(text)
    for end in [found.start() for found in reversed(list(_BRACES.finditer(source)))]:
        text = _made(render, source[:end], constants)
        if text is not None:
            found = _AUTHORITY.match(text)
            return _host(found[0]) if found else None
    return None


def _made(render: Render, source: str, constants: Mapping[str, Any]) -> str | None:
    try:
        return render(source, constants)
    except MockServerError:
        return None


def _host(url: str) -> str | None:
    try:
        return str(_read(url.strip())[1])
    except EgressRefused:
        return None


def with_vars(source: str, constants: Mapping[str, Any]) -> str:
    """The text of a template that knows `vars` and calls nothing. Raises InvalidInput and TemplateError."""
    template = compile_text(source, ("url",), names=frozenset({"vars"}))
    if template.functions:
        raise TemplateError("it calls a function")
    return template.render(Scope({"vars": dict(constants)}, _nothing, _nothing))


def _nothing() -> Any:
    raise InvalidInput([])
