"""Who may be called. Every refusal was seen to come from the rule that its test names."""

import asyncio
import shutil
import socket
import ssl
import subprocess

import pytest
from support.receivers import ANYWHERE, Deliveries, Home, Receiver, a_courier

from mockserver.errors import InvalidInputError
from mockserver.outbound.egress import Egress, EgressRefusedError, Target, UnresolvedHostError, look_up
from mockserver.outbound.session import PinnedResolver
from mockserver.store.delivery import DeliveryState


class Names:
    """A resolver with answers handed in: for each name a list of answers, the last repeating."""

    def __init__(self, **answers):
        self.answers = {name.replace("_", "."): list(given) for name, given in answers.items()}
        self.asked = []

    async def __call__(self, name, port):
        self.asked.append(name)
        answers = self.answers.get(name)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return answers.pop(0) if len(answers) > 1 else answers[0]


def an_egress(*allowed, literal=(), names=None):
    return Egress(allowed, lambda: frozenset(literal), names or Names())


async def refusal(egress, url):
    with pytest.raises(EgressRefusedError) as caught:
        await egress.resolve(url)
    return str(caught.value)


# Which hosts are open


async def test_nothing_is_open_by_itself_not_even_loopback():
    names = Names(app=[["10.0.0.5"]], localhost=[["127.0.0.1"]])
    egress = an_egress(names=names)

    for host in ("app:8000", "localhost:8000", "127.0.0.1:8000", "[::1]:8000"):
        assert await refusal(egress, f"http://{host}/hooks") == (
            f"{host} is not in any scenario file and was not allowed. "
            f"Start the server with --allow-egress {host}, or write the URL into a scenario file"
        )
    assert names.asked == []  # not even looked up


@pytest.mark.parametrize("url", ["http://app:8000/hooks", "HTTP://APP./x", "https://app/"])
async def test_a_host_that_stands_in_a_file_is_open_on_every_port(url):
    target = await an_egress(literal=["app"], names=Names(app=[["10.0.0.5"]])).resolve(url)

    assert (target.host, target.addresses) == ("app", ("10.0.0.5",))


async def test_what_stands_in_the_files_is_asked_each_time():
    literal = {"app"}
    egress = Egress((), lambda: literal, Names(app=[["10.0.0.5"]]))
    await egress.resolve("http://app/")

    literal.clear()
    await refusal(egress, "http://app/")


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("app", "http://app/"),
        ("APP.", "https://app:8443/"),
        ("app:8000", "http://app:8000/"),
        ("10.0.0.0/8", "http://app/"),
        ("10.0.0.5", "http://app/"),
        ("10.0.0.5:80", "http://app/"),
        ("10.0.0.5/8", "http://10.255.0.1/"),
        ("127.0.0.1", "http://127.0.0.1:9/"),
        ("127.0.0.1", "http://2130706433/"),
        ("127.0.0.1", "http://0x7f.1/"),
        ("127.0.0.1", "http://017700000001/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("::1", "http://[::1]:9/"),
        ("[::1]:9", "http://[0:0:0:0:0:0:0:1]:9/"),
        ("fd00:1::/32", "http://[fd00:1::5]/"),
        ("bücher.example", "http://BÜCHER.example/"),
        ("0.0.0.0/0", "http://93.184.216.34/"),
        ("my_app", "http://my_app:80/"),
    ],
)
async def test_what_is_allowed_is_open(rule, url):
    names = Names(app=[["10.0.0.5"]], my_app=[["10.0.0.5"]], **{"xn--bcher-kva_example": [["10.0.0.5"]]})
    names.answers["my_app"] = [["10.0.0.5"]]

    assert (await an_egress(rule, names=names).resolve(url)).addresses


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("app", "http://app.evil.example/"),
        ("app", "http://xapp/"),
        ("app:8000", "http://app/"),
        ("app:80", "https://app/"),
        ("10.0.0.5", "http://10.0.0.50/"),
        ("10.0.0.0/8", "http://11.0.0.1/"),
        ("10.0.0.5:80", "http://app:81/"),
        ("10.0.0.0/8", "http://two/"),
        ("::1", "http://127.0.0.1/"),
        ("localhost", "http://127.0.0.1/"),
    ],
)
async def test_what_is_not_quite_it_stays_closed(rule, url):
    names = Names(app=[["10.0.0.5"]], two=[["10.0.0.5", "93.184.216.34"]])

    assert "was not allowed" in await refusal(an_egress(rule, names=names), url)


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "http://app",
        "*",
        "*.example",
        "app:0",
        "app:99999",
        "app:x",
        "1.2.3.4/99",
        "me@app",
        "a b",
        "[::1",
    ],
)
def test_a_rule_that_is_none_is_refused_at_once(rule):
    with pytest.raises(InvalidInputError) as caught:
        an_egress("app", rule)

    assert "Write HOST, HOST:PORT or a network such as 10.0.0.0/8" in str(caught.value)


# What is never open

METADATA = [
    "169.254.169.254", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "025177524776", "0251.0376.0251.0376", "169.254.43518",
    "169.16689662", "169.254.169.254.", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[0:0:0:0:0:ffff:a9fe:a9fe]", "[::169.254.169.254]",
    "[64:ff9b::169.254.169.254]", "[64:ff9b:1::a9fe:a9fe]", "[64:ff9b:1:a9fe:a9:fe00::]", "[64:ff9b:1:a9fe:a9:fe00:5db8:d822]", "[::ffff:0:169.254.169.254]",
    "[2001:db8::5efe:169.254.169.254]", "[2001:db8::200:5efe:a9fe:a9fe]", "[fd00:42::42]", "[2002:a9fe:a9fe::1]", "[2001:0:a9fe:a9fe::1]", "[fd00:ec2::254]", "[fd20:ce::254]",
    "100.100.100.200", "168.63.129.16", "192.0.0.192", "169.254.170.2", "①⑥⑨.254.169.254", "169。254。169。254",
    "metadata.google.internal", "METADATA.google.internal.", "metadata.goog", "instance-data.ec2.internal",
]  # fmt: skip
OTHERS = [
    "169.254.0.1", "[fe80::1]", "[febf::1]", "[fec0::1]", "0.0.0.0", "0", "0.1.2.3", "[::]", "[::0.0.0.0]", "224.0.0.1", "239.255.255.255",
    "[ff02::1]", "255.255.255.255", "240.0.0.1", "[::ffff:0.0.0.0]", "[::ffff:224.0.0.1]",
]  # fmt: skip


@pytest.mark.parametrize("host", METADATA + OTHERS)
async def test_metadata_link_local_unspecified_and_multicast_stay_closed_even_if_allowed(host):
    names = Names(
        **{
            name: [["93.184.216.34"]]
            for name in ("metadata_google_internal", "metadata_goog", "instance-data_ec2_internal")
        }
    )
    bare = host.strip("[]").lower().rstrip(".")
    egress = an_egress(
        *ANYWHERE,
        "169.254.0.0/16",
        "fe80::/10",
        "metadata.google.internal",
        literal=[host, bare],
        names=names,
    )

    said = await refusal(egress, f"http://{host}/latest/meta-data/")

    assert said.endswith("No setting opens it")
    assert names.asked == []


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1%2", "0.0.0.0", "224.0.0.1", "64:ff9b::a9fe:a9fe"],
)
@pytest.mark.parametrize("first", [True, False])
async def test_one_forbidden_address_among_those_of_a_name_closes_it(address, first):
    good = ["93.184.216.34", "2606:2800:220:1::1"]
    names = Names(app=[[address, *good] if first else [*good, address]])

    said = await refusal(an_egress("app", *ANYWHERE, literal=["app"], names=names), "http://app/")

    assert said.startswith("app is ")
    assert said.endswith("No setting opens it")


# URLs


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://app/", "is not an http or https URL"),
        ("file:///etc/passwd", "is not an http or https URL"),
        ("app:8000/hooks", "is not an http or https URL"),
        ("//app/", "is not an http or https URL"),
        ("http:///x", "is not an http or https URL"),
        ("http://app:0/", "is not an http or https URL"),
        ("http://app:99999/", "is not a valid URL"),
        ("http://[::1/", "is not a valid URL"),
        ("http://[::1]@/", "is not a valid URL"),
        ("http://me:pw@app/", "user and password"),
        ("http://@app/", "user and password"),
        ("http://app@169.254.169.254/", "user and password"),
        ("http://app\\@169.254.169.254/", "backslash"),
        ("http://app\t.evil/", "control character"),
        ("http://a b/", "contains a space"),
        ("http://app%2eevil/", "percent-encoded"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://1.2.3.4.5/", "is not a valid address"),
        ("http://1.2.3.4.0/", "is not a valid address"),
        ("http://256.0.0.1/", "is not a valid address"),
        ("http://1.2.3.08/", "is not a valid address"),
        ("http://0x1ffffffff/", "is not a valid address"),
        ("http://app..x/", "is not a valid host name"),
        ("http://app$/", "is not a valid host name"),
        ("", "is not an http or https URL"),
    ],
)
async def test_a_url_that_can_be_read_in_two_ways_or_none_is_refused(url, said):
    assert said in await refusal(an_egress(*ANYWHERE, "app", literal=["app"]), url)


async def test_the_path_and_query_go_out_as_they_were_written():
    target = await an_egress("app", names=Names(app=[["10.0.0.5"]])).resolve(
        " http://APP:81/a%2Fb/../c?x=%2F&y=a+b\n"
    )

    assert str(target.url) == "http://app:81/a%2Fb/../c?x=%2F&y=a+b"


async def test_a_name_without_an_address_is_no_refusal():
    for names in (Names(), Names(app=[[]]), Names(app=[["nonsense"]])):
        with pytest.raises(UnresolvedHostError, match="'app'"):
            await an_egress("app", names=names).resolve("http://app/")


async def test_the_systems_resolver_knows_localhost_and_not_nowhere():
    assert set(await look_up("localhost", 80)) <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError, match=r".+"):
        await look_up("nowhere.invalid", 80)


# From the check to the wire


async def delivered(egress, url, **more):
    home = Home()
    async with a_courier(egress, **more) as courier:
        delivery = Deliveries(home).make(url)
        await courier.deliver_before(home, delivery)
    return delivery


async def test_a_name_is_resolved_once_and_that_address_used():
    """Rebinding: the name would lead elsewhere the second time it is asked."""
    async with Receiver().open() as good, Receiver().open("127.0.0.2") as evil:
        names = Names(app=[["127.0.0.1"], ["127.0.0.2"]])
        delivery = await delivered(an_egress("app", names=names), f"http://app:{good.port}/hooks")

    assert delivery.state is DeliveryState.DELIVERED
    assert names.asked == ["app"]
    assert (len(good.got), len(evil.got)) == (1, 0)
    assert good.got[0].headers["host"] == f"app:{good.port}"


async def test_the_second_address_of_a_name_serves_where_the_first_does_not():
    async with Receiver().open() as receiver:
        names = Names(app=[["::1", "127.0.0.1"]])
        delivery = await delivered(an_egress("app", names=names), f"http://app:{receiver.port}/")

    assert delivery.state is DeliveryState.DELIVERED


async def test_where_no_address_of_a_name_serves_the_name_is_said():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    delivery = await delivered(
        an_egress("app", names=Names(app=[["127.0.0.1", "127.0.0.2"]])), f"http://app:{port}/"
    )

    assert delivery.error == f"connection refused by app:{port}"


async def test_tls_asks_for_the_name_although_the_address_was_chosen():
    hellos = []

    async def serve(reader, writer):
        hellos.append(await reader.read(4096))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        names = Names(app_example=[["127.0.0.1"]])
        delivery = await delivered(an_egress("app.example", names=names), f"https://app.example:{port}/")

    assert b"app.example" in hellos[0]
    assert delivery.state is DeliveryState.FAILED


@pytest.fixture
def own_certificate(tmp_path):
    """A certificate for `app` that it has signed itself."""
    if not shutil.which("openssl"):
        pytest.skip("makes a certificate with openssl")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=app -addext subjectAltName=DNS:app"
    subprocess.run([*make.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_refused(own_certificate):
    async with Receiver().open(tls=own_certificate) as receiver:
        delivery = await delivered(
            an_egress("app", names=Names(app=[["127.0.0.1"]])), f"https://app:{receiver.port}/"
        )

    assert receiver.got == []
    assert delivery.error.startswith(f"the certificate of app:{receiver.port} was not accepted: ")


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
async def test_an_address_of_ipv6_is_reached():
    async with Receiver().open("::1") as receiver:
        delivery = await delivered(an_egress("::1"), receiver.url)

    assert delivery.state is DeliveryState.DELIVERED
    assert receiver.got[0].headers["host"] == f"[::1]:{receiver.port}"


@pytest.mark.parametrize("host", ["2130706433", "0x7f.0.0.1", "127.1", "[::ffff:127.0.0.1]"])
async def test_loopback_in_disguise_is_reached_where_loopback_is_allowed(host):
    async with Receiver().open() as receiver:
        delivery = await delivered(an_egress("127.0.0.1"), f"http://{host}:{receiver.port}/")

    assert (delivery.state, delivery.error) == (DeliveryState.DELIVERED, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status):
    async with (
        Receiver().open() as inner,
        Receiver(status, headers={"Location": inner.url}).open() as receiver,
    ):
        delivery = await delivered(an_egress("127.0.0.1"), receiver.url)

    assert inner.got == []
    assert (delivery.state, delivery.tries[0].status) == (DeliveryState.FAILED, status)
    assert delivery.error == f"it redirects to {inner.url}, and redirects are not followed"


async def test_the_environments_proxy_is_not_used(monkeypatch):
    async with Receiver().open() as proxy, Receiver().open() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await delivered(an_egress("127.0.0.1"), receiver.url)

    assert (len(proxy.got), len(receiver.got)) == (0, 1)


async def test_a_pinned_resolver_knows_its_target_alone():
    target = await an_egress("app", names=Names(app=[["10.0.0.5", "fd00:1::5"]])).resolve("http://app/")
    pinned = PinnedResolver(target)

    assert [(one["host"], one["family"]) for one in await pinned.resolve("app", 80)] == [
        ("10.0.0.5", socket.AF_INET),
        ("fd00:1::5", socket.AF_INET6),
    ]
    with pytest.raises(OSError, match="is not the host that was looked at"):
        await pinned.resolve("evil", 80)


def test_a_target_shows_host_and_port():
    assert str(Target(None, "::1", 8, ())) == "[::1]:8"
    assert str(Target(None, "app", 80, ())) == "app:80"
