"""Every setting of a server, with its default and its flag. The command line and the environment fill it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """
    How a setting is given on the command line; its variable is MOCKSERVER_ and the name of the flag.

    `name` is for flags that are not the field's name with dashes, `shown` for defaults that
    are not shown as they are. Numbers lie between `least` and `most`, or have a `unit`. `file_help` adds
    a flag for a file that holds the value.
    """

    help: str
    name: str = ""
    shown: str = ""
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    unit: Literal["", "size", "duration"] = ""
    file_help: str = ""


def _flag(default: Any, text: str, *, secret: bool = False, **how: Any) -> Any:
    return field(default=default, repr=not secret, metadata={"flag": Flag(help=text, **how)})


_PORT: dict[str, Any] = {"least": 0, "most": 65535}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    What a server is started with. Flags in the order of `--help`, with the same text.

    `paths` are scenario files and folders; with `paths_may_lack` those that are not there hold nothing.
    `admin_port` None serves the admin API on the mock port. The CA is kept in the folder `tls_dir`, or lives
    as long as the process; `tls_cert` and `tls_key` are files that take its place.
    """

    paths: tuple[str, ...] = ("scenarios/",)
    paths_may_lack: bool = False
    host: str = _flag("127.0.0.1", "Address to listen on.")
    port: int = _flag(8080, "Port; 0 picks a free one.", **_PORT)
    admin_port: int | None = _flag(None, "Serve the admin API on a port of its own.", **_PORT)
    wiremock_port: int | None = _flag(
        None, "Speak WireMock's admin API beside mock traffic, on a port of its own.", **_PORT
    )
    public_url: str = _flag("", "How clients reach this server, where that is not host and port.")
    calls: int = _flag(10_000, "Records of calls that are kept.", least=1)
    calls_bytes: int = _flag(64_000_000, "Memory for records.", unit="size", shown="64MB")
    seed: str = _flag("", "Makes every draw repeat: ids, choices, delays.")
    unmatched_status: int = _flag(404, "Answers what no route takes.", least=400, most=599)
    on_unmatched: str = _flag(
        "404",
        "What becomes of what no route takes: forward passes it on to --forward-to, record keeps it too.",
        choices=("404", "forward", "record"),
    )
    forward_to: str = _flag("", "The real service that --on-unmatched passes on to.", metavar="URL")
    upstream_timeout_s: float = _flag(
        60.0,
        "A real service must begin to answer within so long; then 504.",
        name="--upstream-timeout",
        unit="duration",
        shown="1m",
    )
    upstream_ca: str = _flag("", "CAs in PEM that real services are trusted by too.", metavar="FILE")
    max_body_bytes: int = _flag(
        16 * 1024 * 1024, "Larger requests get 413.", name="--max-body", unit="size", shown="16MiB"
    )
    max_json_members: int = _flag(
        100_000,
        "A JSON body of more is not decoded: conditions and templates can't look into it.",
        least=1,
    )
    hang_limit_s: float = _flag(
        600.0, "Ends a hanging reply.", name="--hang-limit", unit="duration", shown="10m"
    )
    read_timeout_s: float = _flag(
        30.0,
        "A request must be in within so long; then 408.",
        name="--read-timeout",
        unit="duration",
        shown="30s",
    )
    max_headers: int = _flag(1000, "Header lines of a request; more get 431.", least=1)
    max_head_bytes: int = _flag(
        128 * 1024,
        "A request's head; a larger one gets 431, a longer target 414.",
        name="--max-head",
        unit="size",
        shown="128KiB",
    )
    max_requests: int = _flag(
        0, "Requests on one connection; the last answer closes it.", least=0, shown="any number"
    )
    max_connections: int = _flag(20_000, "Connections at once on each port; more get 503.", least=1)
    max_routes: int = _flag(100_000, "Routes that a namespace may make at runtime.", least=1)
    max_namespaces: int = _flag(100_000, "Namespaces at once.", least=1)
    max_webhooks: int = _flag(10_000, "Webhooks of a namespace that may wait; more fail at once.", least=1)
    max_streams: int = _flag(100, "Readers of a namespace's stream of calls.", least=1)
    max_entries: int = _flag(
        100_000,
        "Entries of each kind that a namespace keeps: state, resources, keys, tokens, effects, webhooks.",
        least=1,
    )
    max_entries_bytes: int = _flag(
        64_000_000, "Memory for the entries of each kind.", unit="size", shown="64MB"
    )
    admin_token: str = _flag(
        "",
        "The admin API asks for it as a bearer token.",
        secret=True,
        file_help="A file that holds the token.",
    )
    admin_hosts: tuple[str, ...] = _flag(
        (), "A further host name that the admin API answers to.", name="--admin-host"
    )
    namespaces: str = _flag(
        "known", "auto: an unknown @name makes its namespace at first use.", choices=("known", "auto")
    )
    allow_egress: tuple[str, ...] = _flag(
        (), "HOST[:PORT] or a network that may be called, beside the hosts in scenario files."
    )
    key_names: tuple[str, ...] = _flag(
        (),
        "Another header or field that holds an idempotency key, such as x-order-key; -NAME drops a known one.",
        metavar="NAME",
    )
    tls: bool = _flag(
        False,
        "Speak TLS on the mock port too; certificates are made by a CA of its own.",
    )
    tls_port: int | None = _flag(None, "Speak TLS on a port of its own instead.", **_PORT)
    tls_dir: str = _flag("", "Folder that keeps the CA: ca.pem for clients, and its key.")
    tls_cert: str = _flag("", "A certificate of your own in PEM, its CAs behind it.")
    tls_key: str = _flag("", "The key of --tls-cert.")
    tls_client_ca: str = _flag("", "Take client certificates of these CAs, for match.client_cert.")
    log_format: str = _flag(
        "text",
        "How the log on stderr is written; json is one object a line.",
        choices=("text", "json"),
    )
    log_calls: bool = _flag(False, "A line of the log for every call, once it is over.")
    watch: bool = _flag(False, "Reload scenario files when they change, all or nothing.")
    state_file: str = _flag(
        "",
        "Keep routes made at runtime, state, positions and counts in it, over a restart or a crash.",
        metavar="FILE",
    )
