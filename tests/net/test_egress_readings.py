"""Whatever is written as a URL: it is refused, or it is read as everybody reads it, and leads where it was looked at."""

import ipaddress
import socket
from urllib.parse import urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.receivers import ANYWHERE

from mockserver.outbound.addresses import forbidden, read_host
from mockserver.outbound.egress import Egress, EgressRefusedError, UnresolvedHostError
from mockserver.outbound.session import PinnedResolver

OPEN = frozenset({"app", "10.0.0.5", "::1"})
HOSTS = [
    "app", "APP.", "evil", "127.0.0.1", "169.254.169.254", "0xa9.254.43518", "2852039166", "0", "0x7f.1", "[::1]", "[::ffff:a9fe:a9fe]",
    "[fe80::1%25lo]", "metadata.google.internal", "1.2.3.4.5", "xn--mnchen-3ya", "\u24d0pp", "app\u3002", "app%2eevil", "a" * 300, "",
]  # fmt: skip
BITS = [
    "@",
    ":",
    "/",
    "\\",
    "#",
    "?",
    "%",
    "//",
    ".",
    ":80",
    ":0",
    ":99999",
    "me:pw@",
    "[",
    "]",
    "\t",
    "\r\n",
    " ",
    "\x00",
    "\u2028",
    "&",
    ";",
]
urls = st.builds(
    "{}{}{}".format,
    st.sampled_from(["http://", "https://", "HTTP://", "http:/", "http:", "//", "ftp://", "http:///", " http://", "javascript:", ""]),
    st.lists(st.sampled_from(HOSTS) | st.sampled_from(BITS) | st.text(max_size=3), max_size=5).map("".join),
    st.sampled_from(["", "/", "/x?y=@evil", "#@evil/", "?@evil/", "/..//evil/"]),
)  # fmt: skip


async def any_address(name, port):
    return ["10.0.0.5"]


async def resolved(url):
    try:
        return await Egress(("app", "127.0.0.0/8"), lambda: OPEN, any_address).resolve(url)
    except (EgressRefusedError, UnresolvedHostError):
        return None


@settings(max_examples=500, deadline=None)
@example("http://me:pw@app/")
@example("http://app\\@evil/")
@given(urls)
async def test_a_url_is_refused_or_leads_where_it_was_looked_at(url):
    target = await resolved(url)
    if target is None:
        return

    assert target.url.raw_host == target.host
    assert target.url.scheme in ("http", "https")
    assert target.url.port == target.port
    assert target.host in OPEN or ipaddress.ip_address(target.host) in ipaddress.ip_network("127.0.0.0/8")
    assert all(forbidden(ipaddress.ip_address(one)) is None for one in target.addresses)
    if target.host == "app":
        connected = await PinnedResolver(target).resolve(target.url.raw_host, target.port)
        assert [one["host"] for one in connected] == ["10.0.0.5"]


@settings(max_examples=500, deadline=None)
@example("http://me:pw@app/")
@example("http://app\\@evil/")
@given(urls)
async def test_the_standard_library_reads_the_same_host_and_port(url):
    """Two readers of one URL that disagree are how a check looks at one host and the request goes to another."""
    target = await resolved(url)
    if target is None:
        return

    other = urlsplit(url.strip())
    assert read_host(
        (other.hostname or "").encode("idna").decode() if not url.isascii() else other.hostname
    ) == read_host(target.host)
    assert not other.username  # an empty one is none
    assert (other.port or {"http": 80, "https": 443}[other.scheme]) == target.port


parts = st.integers(0, 2**33).flatmap(
    lambda n: st.sampled_from(
        [str(n), hex(n), f"0{n:o}", f"0X{n:x}", str(n % 256), hex(n % 256), f"0{n % 256:o}"]
    )
)


@settings(max_examples=500, deadline=None)
@given(st.lists(parts, min_size=1, max_size=5).map(".".join))
def test_an_address_in_any_notation_is_what_the_system_reads(text):
    try:
        system = socket.inet_ntoa(socket.inet_aton(text))
    except OSError:
        system = None
    try:
        ours = str(read_host(text))
    except ValueError:
        ours = None

    assert ours == system


PREFIXES = [
    "::",
    "::ffff:0:0",
    "::ffff:0:0:0",
    "64:ff9b::",
    "64:ff9b:1::",
    "2001:db8::5efe:0:0",
    "fe80::",
    "fd00::",
    "fd00:ec2::",
    "2606::",
]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([int(ipaddress.IPv6Address(one)) for one in PREFIXES]),
    st.sampled_from(["169.254.169.254", "100.100.100.200", "224.0.0.1", "0.0.0.0", "10.0.0.5", "127.0.0.1"]).map(ipaddress.IPv4Address),
)  # fmt: skip
async def test_no_notation_of_ipv6_opens_what_is_closed(prefix, inner):
    address = ipaddress.IPv6Address(prefix | int(inner))
    refused = []

    for text in (
        address.compressed,
        address.exploded,
        address.exploded.upper(),
        f"{address.exploded[:30]}{inner}",
    ):
        try:
            await Egress(ANYWHERE, frozenset).resolve(f"http://[{text}]/")
        except EgressRefusedError as why:
            refused.append(str(why).endswith("No setting opens it"))

    assert refused == [True] * 4 * (forbidden(address) is not None)
    if str(inner) == "169.254.169.254" and prefix >> 32 not in (0xFD00 << 80, 0x2606 << 80):
        assert refused
