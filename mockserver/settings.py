"""Every setting of a server, with its default. The command line and the environment fill it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    `paths` are scenario files and folders; with `paths_may_lack` those that are not there hold nothing. Port 0 picks a free one; `admin_port`
    None serves the admin API on the mock port. `wiremock_port` speaks WireMock's
    admin API beside mock traffic; None doesn't. `namespaces` is "known" (unknown
    names are 404) or "auto" (made at first use). `allow_egress` are HOST[:PORT]
    or networks that webhooks may go to beside the hosts in scenario files.
    `tls` makes the mock port speak TLS beside plain HTTP; `tls_port` moves it
    to a port of its own. The CA is kept in the folder `tls_dir`, or lives as
    long as the process; `tls_cert` and `tls_key` are files that take its place.
    `tls_client_ca` is a file of the CAs whose client certificates are taken.
    `max_requests` are those of one connection, 0 for any number; `max_routes`, `max_webhooks` and `max_streams` are
    those that one namespace makes at runtime, waits for, and has readers of; `max_entries` and `max_entries_bytes` are
    how much of each kind that clients fill a namespace keeps: state, resources, idempotency keys, tokens and so on.
    `log_format` is "text" or "json"; with `log_calls` there is a line for every call
    that is over.
    `on_unmatched` says what becomes of what no route takes: "404", or "forward" or "record", to the real
    service at `forward_to`, which must begin to answer within `upstream_timeout_s`; `upstream_ca` is a file
    of CAs that are trusted for it beside the system's.
    `state_file` keeps what is remembered over a restart; empty for none.
    `key_names` adds names of idempotency keys (`x-order-key`, `json.orderKey`) and drops known ones (`-clientToken`).
    """

    paths: tuple[str, ...] = ("scenarios/",)
    paths_may_lack: bool = False
    host: str = "127.0.0.1"
    port: int = 8080
    admin_port: int | None = None
    wiremock_port: int | None = None
    public_url: str = ""
    calls: int = 10_000
    calls_bytes: int = 64_000_000
    seed: str = ""
    unmatched_status: int = 404
    max_body_bytes: int = 16 * 1024 * 1024
    max_json_members: int = 100_000
    hang_limit_s: float = 600.0
    tls: bool = False
    tls_port: int | None = None
    tls_dir: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    tls_client_ca: str = ""
    read_timeout_s: float = 30.0
    max_headers: int = 1000
    max_head_bytes: int = 128 * 1024
    max_requests: int = 0
    max_connections: int = 20_000
    max_routes: int = 100_000
    max_namespaces: int = 100_000
    max_webhooks: int = 10_000
    max_streams: int = 100
    max_entries: int = 100_000
    max_entries_bytes: int = 64_000_000
    log_format: str = "text"
    log_calls: bool = False
    watch: bool = False
    on_unmatched: str = "404"
    forward_to: str = ""
    upstream_timeout_s: float = 60.0
    upstream_ca: str = ""
    state_file: str = ""
    key_names: tuple[str, ...] = ()
    namespaces: str = "known"
    allow_egress: tuple[str, ...] = ()
    admin_token: str = field(default="", repr=False)
    admin_hosts: tuple[str, ...] = ()
