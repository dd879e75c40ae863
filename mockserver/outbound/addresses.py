"""
Hosts and addresses in every notation, and those that must never be called.

Names are compared in lower case, without the last dot, as IDNA. Other notations of an address (2852039166,
0xa9.254.43518, ::ffff:a9fe:a9fe) are treated as that address.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

METADATA_NAMES = frozenset({
    "metadata.google.internal", "metadata.goog", "instance-data.ec2.internal", "metadata.azure.internal",
    "metadata.tencentyun.com",
})  # fmt: skip
"""
Names at which clouds provide the credentials of their machines; short ones such as `metadata` are known by address.
"""

_NEVER: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "a cloud's metadata address",
        # AWS, Azure, GCP, Oracle; AWS on IPv6 (all of its block); GCP and Scaleway on IPv6; Azure's wire server; Alibaba; Oracle
        (
            "169.254.169.254/32", "fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128", "168.63.129.16/32", "100.100.100.200/32",
            "192.0.0.192/32",
        ),
    ),
    ("a link-local address", ("169.254.0.0/16", "fe80::/10", "fec0::/10")),
    ("the unspecified address", ("0.0.0.0/8", "::/128")),  # Linux takes 0.0.0.0 for loopback
    ("a multicast address", ("224.0.0.0/4", "ff00::/8")),
    ("a reserved address", ("240.0.0.0/4",)),  # broadcast is among them
)  # fmt: skip
_NEVER_NETWORKS = tuple((ip_network(text), what) for what, texts in _NEVER for text in texts)

_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
"""The 32 bits before the IPv4 address (RFC 5214 6.1)."""


def plain(address: Address) -> Address:
    """Return an IPv4 address that is mapped into IPv6 as IPv4."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def forbidden(address: Address) -> str | None:
    """
    Return what kind of forbidden address it is, also if it is embedded in an IPv6 address; None if it is allowed.
    """
    for each in (address, *_wrapped(address)):
        for network, what in _NEVER_NETWORKS:
            if each.version == network.version and each in network:
                return what
    return None


def _wrapped(address: Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that a gateway would derive from an IPv6 address."""
    if not isinstance(address, IPv6Address):
        return []
    bits = int(address)
    last = IPv4Address(bits & 0xFFFF_FFFF)
    wrapped = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if (
        any(address in network for network in (*_NAT64, _TRANSLATED))
        or (address in _COMPATIBLE and bits > 1)
        or (bits >> 32) & 0xFFFF_FFFF in _ISATAP
    ):
        wrapped.append(last)
    if address in _LOCAL_NAT64:  # RFC 6052 2.2: behind a prefix of 48 bits, bits 64 to 71 are left out
        wrapped.append(IPv4Address((bits >> 64 & 0xFFFF) << 16 | bits >> 40 & 0xFFFF))
    return [each for each in wrapped if each is not None]


def read_host(host: str) -> str | Address:
    """Return a host as an address, in whatever notation, or as a name. Raises ValueError, with a text for people."""
    if "%" in host:
        raise ValueError(f"{host!r} has a zone or is percent-encoded")
    if ":" in host:
        return plain(IPv6Address(host))
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    if _is_number(labels[-1]):  # then all of it is an address (url.spec.whatwg.org, "ends in a number")
        return _ipv4(name, labels)
    if not name or not all(labels) or not set(name) <= _NAME_CHARS:
        raise ValueError(f"{host!r} is not a valid host name")
    return name


_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")


def _is_number(label: str) -> bool:
    return label.isascii() and (label.isdigit() or (label.startswith("0x") and _digits(label[2:] or "0", 16)))


def _digits(text: str, base: int) -> bool:
    return all(c in "0123456789abcdef"[:base] for c in text)


def _ipv4(name: str, labels: list[str]) -> IPv4Address:
    """Parse like `inet_aton`: up to four parts, decimal, octal or hex; the last one fills the rest."""
    *first, last = [_part(name, label) for label in labels]
    if len(labels) > 4 or any(part > 255 for part in first) or last >= 256 ** (4 - len(first)):
        raise ValueError(f"{name!r} is not a valid address")
    return IPv4Address(sum(part << (24 - 8 * i) for i, part in enumerate(first)) + last)


def _part(name: str, label: str) -> int:
    base, digits = 10, label
    if label.startswith("0x"):
        base, digits = 16, label[2:] or "0"
    elif label.startswith("0") and label != "0":
        base, digits = 8, label[1:]
    if not digits or len(digits) > 40 or not _digits(digits, base):
        raise ValueError(f"{name!r} is not a valid address")
    return int(digits, base)


def as_address(text: str) -> Address | None:
    """Return an address in its standard notation; None for anything else."""
    try:
        return plain(ip_address(text))
    except ValueError:
        return None
