"""
Egress: the check of every outgoing request.

A host is open if it is literally in a scenario file on disk, or was given by `--allow-egress`. Its name is resolved
once, every address is checked, and the connection goes to exactly these addresses, so a name that resolves differently
later changes nothing. Link-local and metadata addresses are never open.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from ipaddress import ip_network

from yarl import URL

from mockserver.errors import Flaw, InvalidInputError, MockServerError, WrongValueError, shown
from mockserver.outbound.addresses import METADATA_NAMES, Address, Network, as_address, forbidden, read_host

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""Return the addresses of a name, in the order in which to try them. Raises OSError."""

_HINT = "Write HOST, HOST:PORT or a network such as 10.0.0.0/8"
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


class EgressRefusedError(MockServerError):
    """The call is not allowed. `reason` and `remedy` are for people."""

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{reason}. {remedy}")


class UnresolvedHostError(MockServerError):
    """The name has no address."""


@dataclass(frozen=True, slots=True)
class EgressRule:
    """One `--allow-egress`: a name or a network, with an optional port."""

    host: str | Network
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> EgressRule:
        """Parse the value of the option. Raises WrongValueError."""
        if "://" in text or "@" in text:
            raise WrongValueError(f"{shown(text)} is a URL", _HINT)
        if "/" in text:
            try:
                return cls(ip_network(text, strict=False))
            except ValueError as error:
                raise WrongValueError(f"{shown(text)} is not a valid network", _HINT) from error
        match = re.fullmatch(r"\[([^\]]*)\](?::(\d+))?|([^:]*)(?::(\d+))?", text)
        bare, port = (match[1] or match[3] or "", match[2] or match[4]) if match else (text, None)
        if port is not None and not 1 <= int(port) <= 65535:
            raise WrongValueError(f"{shown(text)} has no port from 1 to 65535", _HINT)
        try:
            host = read_host(bare if bare.isascii() else URL.build(scheme="http", host=bare).raw_host or "")
        except ValueError as error:
            raise WrongValueError(f"{shown(text)} is not a valid host", _HINT) from error
        return cls(host if isinstance(host, str) else ip_network(host), int(port) if port else None)

    def takes_port(self, port: int) -> bool:
        return self.port is None or self.port == port


@dataclass(frozen=True, slots=True)
class Target:
    """A checked target: its URL and its addresses. Connect only to these."""

    url: URL
    host: str
    port: int
    addresses: tuple[str, ...]

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Egress:
    """
    The rules: `allowed` are the values of `--allow-egress`, `literal_hosts` returns the current hosts of scenario
    files.

    Raises InvalidInputError for an invalid rule.
    """

    def __init__(
        self,
        allowed: Iterable[str] = (),
        literal_hosts: Callable[[], AbstractSet[str]] = frozenset,
        resolver: Resolver | None = None,
    ) -> None:
        rules = _rules(allowed)
        self._names = [rule for rule in rules if isinstance(rule.host, str)]
        self._networks = [rule for rule in rules if not isinstance(rule.host, str)]
        self._literal_hosts = literal_hosts
        self._resolver = resolver or look_up

    async def resolve(self, url: str) -> Target:
        """
        Return the target of a URL.

        Raises EgressRefusedError, and UnresolvedHostError for a name without an address.
        """
        parsed, host, port = read_url(url)
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
            raise EgressRefusedError(f"{name} is a cloud's metadata service", _NEVER)
        by_name = self._is_open(name, port)
        if not by_name and not any(rule.takes_port(port) for rule in self._networks):
            raise self._closed(name, port)  # a name that is not open is not even looked up
        try:
            texts = await self._resolver(name, port)
        except (OSError, UnicodeError) as error:
            raise UnresolvedHostError(f"the name {name!r} can't be resolved") from error
        addresses = [as_address(text) for text in texts]
        if not addresses or None in addresses:
            raise UnresolvedHostError(f"the name {name!r} has no address")
        unique = tuple(dict.fromkeys(each for each in addresses if each is not None))
        _check(unique, name)
        if not by_name and not all(self._in_networks(each, port) for each in unique):
            raise self._closed(name, port)
        return unique

    def _is_open(self, name: str, port: int) -> bool:
        return name in self._literal_hosts() or any(
            rule.host == name and rule.takes_port(port) for rule in self._names
        )

    def _in_networks(self, address: Address, port: int) -> bool:
        return any(
            rule.takes_port(port) and not isinstance(rule.host, str) and address in rule.host
            for rule in self._networks
        )

    def _closed(self, host: str, port: int) -> EgressRefusedError:
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return EgressRefusedError(
            f"{place} is not in any scenario file and was not allowed",
            f"Start the server with --allow-egress {place}, or write the URL into a scenario file",
        )


def _rules(texts: Iterable[str]) -> list[EgressRule]:
    rules: list[EgressRule] = []
    flaws: list[Flaw] = []
    for text in texts:
        try:
            rules.append(EgressRule.parse(text))
        except WrongValueError as error:
            flaws.append(Flaw((), f"--allow-egress: {error}", error.hint))
    if flaws:
        raise InvalidInputError(flaws)
    return rules


_NEVER = "No setting opens it"


def _check(addresses: Iterable[Address], name: str) -> None:
    for address in addresses:
        kind = forbidden(address)
        if kind is not None:
            description = kind if str(address) == name else f"{address}, {kind}"
            raise EgressRefusedError(f"{name} is {description}", _NEVER)


def read_url(url: str) -> tuple[URL, str | Address, int]:
    """Return a URL, its host and its port. Raises EgressRefusedError."""
    remedy = "Write an http or https URL such as http://app:8000/hooks"
    url = url.strip()
    if _UNSAFE.search(url):
        raise EgressRefusedError(f"{shown(url)} contains a space, a control character or a backslash", remedy)
    try:
        parsed = URL(url, encoded=url.isascii())
        port = parsed.port
        host = parsed.raw_host
    except (ValueError, IndexError) as error:  # yarl raises IndexError for http://[::1]@/
        raise EgressRefusedError(f"{shown(url)} is not a valid URL", remedy) from error
    if parsed.scheme not in ("http", "https") or not host or not port:
        raise EgressRefusedError(f"{shown(url)} is not an http or https URL", remedy)
    if "@" in parsed.raw_authority:
        raise EgressRefusedError(
            "a URL with user and password is not called", "Send them as a header instead"
        )
    try:
        return parsed, read_host(host), port
    except ValueError as error:
        raise EgressRefusedError(f"the host of {shown(url)} can't be used: {error}", remedy) from error


async def look_up(name: str, port: int) -> list[str]:
    """
    Resolve a name in a daemon thread, so that a name server without answer does not delay the end of the process.

    Raises OSError.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: Exception | None) -> None:
        if not future.done():
            if error is None:
                future.set_result(addresses)
            else:
                future.set_exception(error)

    def resolve_name() -> None:
        addresses: list[str] = []
        failure: Exception | None = None
        try:
            entries = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        except (OSError, UnicodeError) as error:
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(settle, addresses, failure)

    threading.Thread(target=resolve_name, name="mockserver-resolve", daemon=True).start()
    return await future
