"""All settings of a server, with their defaults and options. The command line and the environment set them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """
    The option of a setting; its environment variable is MOCKSERVER_ and the name of the option.

    `name` is for options that differ from the field's name with dashes, `shown` for defaults that are displayed
    differently. Numbers are between `least` and `most`, or have a `unit`. `file_help` adds an option for a file that
    contains the value.
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


def without_password(url: str) -> str:
    """
    Return a URL as it may be shown.

    >>> without_password("redis://app:secret@store:6379/0")
    'redis://***@store:6379/0'
    """
    return re.sub(r"//[^/@]*@", "//***@", url)


def _flag(default: Any, text: str, *, secret: bool = False, **how: Any) -> Any:
    return field(default=default, repr=not secret, metadata={"flag": Flag(help=text, **how)})


_PORT: dict[str, Any] = {"least": 0, "most": 65535}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    The settings of a server. Options are in the order of `--help`, with the same text.

    `paths` are scenario files and folders; with `paths_may_lack`, missing ones are ignored. With `admin_port` None,
    the admin API is on the mock port. The CA is in the folder `tls_dir`, or only in memory; `tls_cert` and `tls_key`
    replace it.
    """

    paths: tuple[str, ...] = ("scenarios/",)
    paths_may_lack: bool = False
    host: str = _flag("127.0.0.1", "Address to listen on.")
    port: int = _flag(8080, "Port; 0 picks a free one.", **_PORT)
    admin_port: int | None = _flag(None, "Separate port for the admin API.", **_PORT)
    wiremock_port: int | None = _flag(
        None, "Separate port with WireMock's admin API and the same mock.", **_PORT
    )
    public_url: str = _flag("", "URL by which clients reach the server, if it differs from host and port.")
    calls: int = _flag(10_000, "Maximum number of calls in the call log; 0 keeps only counts.", least=0)
    calls_bytes: int = _flag(64_000_000, "Maximum memory for the call log.", unit="size", shown="64MB")
    seed: str = _flag("", "Seed for random values: ids, choices, delays.")
    unmatched_status: int = _flag(404, "Status for unmatched requests.", least=400, most=599)
    on_unmatched: str = _flag(
        "404",
        "Handling of unmatched requests: forward sends them to --forward-to, record also records them.",
        choices=("404", "forward", "record"),
    )
    forward_to: str = _flag("", "URL of the real service for --on-unmatched.", metavar="URL")
    upstream_timeout_s: float = _flag(
        60.0,
        "Timeout for the first byte of a real service; then 504.",
        name="--upstream-timeout",
        unit="duration",
        shown="1m",
    )
    upstream_ca: str = _flag("", "Additional CA certificates for real services, in PEM.", metavar="FILE")
    max_body_bytes: int = _flag(
        16 * 1024 * 1024,
        "Maximum size of a request body; larger ones get 413.",
        name="--max-body",
        unit="size",
        shown="16MiB",
    )
    max_json_members: int = _flag(
        100_000,
        "Maximum number of members of a JSON body; a larger one is not decoded for conditions and templates.",
        least=1,
    )
    hang_limit_s: float = _flag(
        600.0, "Maximum duration of the fault 'hang'.", name="--hang-limit", unit="duration", shown="10m"
    )
    read_timeout_s: float = _flag(
        30.0,
        "Timeout for receiving a request; then 408.",
        name="--read-timeout",
        unit="duration",
        shown="30s",
    )
    max_headers: int = _flag(1000, "Maximum number of header lines; more get 431.", least=1)
    max_head_bytes: int = _flag(
        128 * 1024,
        "Maximum size of a request head: 431, or 414 if the target is longer.",
        name="--max-head",
        unit="size",
        shown="128KiB",
    )
    max_requests: int = _flag(0, "Maximum number of requests on one connection.", least=0, shown="any number")
    max_connections: int = _flag(
        20_000, "Maximum number of open connections of each port; more get 503.", least=1
    )
    max_routes: int = _flag(100_000, "Maximum number of runtime routes of a namespace.", least=1)
    max_namespaces: int = _flag(100_000, "Maximum number of namespaces.", least=1)
    max_webhooks: int = _flag(
        10_000, "Maximum number of pending webhooks of a namespace; more fail immediately.", least=1
    )
    max_streams: int = _flag(100, "Maximum number of readers of a namespace's call stream.", least=1)
    max_entries: int = _flag(
        100_000,
        "Maximum number of entries of each kind in a namespace: state, resources, keys, tokens, effects, webhooks.",
        least=1,
    )
    max_entries_bytes: int = _flag(
        64_000_000, "Maximum memory for the entries of each kind.", unit="size", shown="64MB"
    )
    admin_token: str = _flag(
        "",
        "Bearer token that the admin API requires.",
        secret=True,
        file_help="File with the token.",
    )
    admin_hosts: tuple[str, ...] = _flag(
        (), "Additional host name that the admin API accepts; may be repeated.", name="--admin-host"
    )
    namespaces: str = _flag(
        "known",
        "auto: create a namespace on the first request to an unknown @name.",
        choices=("known", "auto"),
    )
    allow_egress: tuple[str, ...] = _flag(
        (),
        "Additional HOST[:PORT] or network that the server may call, besides the hosts in scenario files; may be repeated.",
    )
    key_names: tuple[str, ...] = _flag(
        (),
        "Additional header or field with an idempotency key, such as x-order-key; -NAME removes a known one; may be repeated.",
        metavar="NAME",
    )
    tls: bool = _flag(
        False,
        "Enable TLS on the mock port, besides plain HTTP, with generated certificates.",
    )
    tls_port: int | None = _flag(None, "Separate port for TLS.", **_PORT)
    tls_dir: str = _flag("", "Folder for the generated CA: ca.pem for clients, and its key.")
    tls_cert: str = _flag("", "Your certificate in PEM, followed by its CAs.")
    tls_key: str = _flag("", "The key of --tls-cert.")
    tls_client_ca: str = _flag("", "CAs of client certificates, for match.client_cert.")
    log_format: str = _flag(
        "text",
        "Format of the log on stderr; json writes one object per line.",
        choices=("text", "json"),
    )
    log_calls: bool = _flag(False, "Log each completed call.")
    otlp: str = _flag(
        "",
        "URL of an OpenTelemetry collector that gets traces and metrics by OTLP over HTTP, such as http://localhost:4318.",
        metavar="URL",
    )
    watch: bool = _flag(False, "Reload scenario files when they change; if one is invalid, none is reloaded.")
    store: str = _flag(
        "",
        "URL of a Redis or Valkey server whose state several replicas share, such as redis://host:6379/0.",
        secret=True,
        metavar="URL",
    )
    store_prefix: str = _flag("mockserver:", "Prefix of all keys in the store.")
    store_adopt: bool = _flag(
        False, "Make the scenario files of this replica the valid ones for all replicas."
    )
    replica_host: str = _flag(
        "",
        "Host, or HOST:PORT, by which other replicas reach this one, if it can't be found out.",
        metavar="HOST",
    )
    replica_port: int = _flag(0, "Port for connections of other replicas; 0 picks a free one.", **_PORT)
    state_file: str = _flag(
        "",
        "Persist runtime routes, state, sequence state, counts and calls in this file, across restarts and crashes.",
        metavar="FILE",
    )
