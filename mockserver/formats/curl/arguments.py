"""The arguments of curl, as its manual has them (https://curl.se/docs/manpage.html): the requests that a command sends."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from mockserver.formats.curl.shell import CLOSE, OPEN
from mockserver.recording.conversion import Losses, Lost
from mockserver.recording.exchanges import Lines, RecordedExchange, value_of

_SHORT = {
    "A": "user-agent", "b": "cookie", "c": "cookie-jar", "C": "continue-at", "d": "data", "D": "dump-header",
    "e": "referer", "E": "cert", "F": "form", "H": "header", "K": "config", "m": "max-time", "o": "output",
    "P": "ftp-port", "Q": "quote", "r": "range", "t": "telnet-option", "T": "upload-file", "u": "user",
    "U": "proxy-user", "w": "write-out", "x": "proxy", "X": "request", "y": "speed-time", "Y": "speed-limit",
    "z": "time-cond", "G": "get", "I": "head", ":": "next",
}  # fmt: skip
"""Long names of short options that take a value, and of those that change the request."""
_WITHOUT_EFFECT = frozenset([
    "abstract-unix-socket", "alt-svc", "cacert", "capath", "cert", "cert-type", "ciphers",
    "connect-timeout", "connect-to", "cookie-jar", "create-file-mode", "crlfile", "curves",
    "dns-interface", "dns-servers", "doh-url", "dump-header", "ech", "engine", "etag-save",
    "expect100-timeout", "happy-eyeballs-timeout-ms", "hsts", "interface", "keepalive-time", "key",
    "key-type", "libcurl", "limit-rate", "local-port", "max-filesize", "max-redirs", "max-time",
    "netrc-file", "noproxy", "output", "output-dir", "parallel-max", "pass", "pinnedpubkey", "preproxy",
    "proto", "proto-default", "proto-redir", "proxy", "proxy-header", "proxy-user", "proxy1.0", "rate",
    "resolve", "retry", "retry-delay", "retry-max-time", "socks4", "socks4a", "socks5",
    "socks5-hostname", "speed-limit", "speed-time", "stderr", "tls-max", "tls13-ciphers", "trace",
    "trace-ascii", "trace-config", "unix-socket", "write-out",
])  # fmt: skip
"""Options with a value that change how curl connects or what it prints, and not the request."""
_UNSUPPORTED = frozenset([
    "aws-sigv4", "config", "continue-at", "delegation", "etag-compare", "ftp-account", "ftp-port",
    "haproxy-clientip", "krb", "login-options", "mail-auth", "mail-from", "mail-rcpt", "quote",
    "request-target", "sasl-authzid", "service-name", "telnet-option", "tftp-blksize", "time-cond",
    "variable",
])  # fmt: skip
"""Options with a value that can change the request, and are not converted."""
_DATA = frozenset(["data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json"])
_CONVERTED = _DATA | frozenset([
    "request", "header", "user", "user-agent", "referer", "cookie", "form", "form-string", "url", "url-query",
    "oauth2-bearer", "upload-file", "range",
])  # fmt: skip
_VALUED = _CONVERTED | _WITHOUT_EFFECT | _UNSUPPORTED
_SWITCHES = frozenset([
    "append", "basic", "ca-native", "cert-status", "compressed", "compressed-ssh", "create-dirs",
    "crlf", "disable", "disable-eprt", "disable-epsv", "disallow-username-in-url", "doh-cert-status",
    "doh-insecure", "fail", "fail-early", "fail-with-body", "false-start", "form-escape", "globoff",
    "haproxy-protocol", "http0.9", "http1.0", "http1.1", "http2", "http2-prior-knowledge", "http3",
    "http3-only", "ignore-content-length", "include", "insecure", "ipv4", "ipv6",
    "junk-session-cookies", "list-only", "location", "location-trusted", "manual", "netrc",
    "netrc-optional", "no-alpn", "no-buffer", "no-clobber", "no-keepalive", "no-npn",
    "no-progress-meter", "no-sessionid", "parallel", "parallel-immediate", "path-as-is", "post301",
    "post302", "post303", "progress-bar", "proxy-anyauth", "proxy-basic", "proxy-digest",
    "proxy-insecure", "proxy-negotiate", "proxy-ntlm", "proxytunnel", "raw", "remote-header-name",
    "remote-name", "remote-name-all", "remote-time", "remove-on-error", "retry-all-errors",
    "retry-connrefused", "show-error", "show-headers", "silent", "skip-existing", "ssl",
    "ssl-allow-beast", "ssl-no-revoke", "ssl-reqd", "styled-output", "suppress-connect-headers",
    "tcp-fastopen", "tcp-nodelay", "tlsv1", "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3", "tr-encoding",
    "trace-ids", "trace-time", "use-ascii", "verbose", "xattr",
])  # fmt: skip
"""Options without a value that do not change the request as routes see it."""
_SIGNED = frozenset(["anyauth", "digest", "negotiate", "ntlm"])
"""With these, credentials are not sent as `Basic`."""
_BOUNDARY = "------------------------mockserver"
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"')
_VARIABLE = re.compile(f"{OPEN}(\\w+){CLOSE}")


@dataclass(slots=True)
class CurlRequest:
    """What the options before `--next` say. `data` has each option of a body with its value."""

    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: Lines = field(default_factory=list)
    data: Lines = field(default_factory=list)
    form: Lines = field(default_factory=list)
    query: list[str] = field(default_factory=list)
    user: str | None = None
    upload: str | None = None
    switches: set[str] = field(default_factory=set)


def requests_of(words: list[str], place: str, lost: Losses) -> Iterator[RecordedExchange]:
    """Yield the requests that `curl WORDS` sends, each answered with 200."""
    arguments = _Arguments(words, place, lost)
    for request in arguments.requests():
        if not request.urls:
            lost.add(place, "there is no URL in the command", "Leave it out")
        for url in request.urls:
            yield _Exchange(request, place, lost).of(url)


class _Arguments:
    """Reads the options; what is not converted is lost."""

    def __init__(self, words: list[str], place: str, lost: Losses) -> None:
        self._rest = list(reversed(words))
        self._place = place
        self._lost = lost
        self._parsed = [CurlRequest()]

    def requests(self) -> list[CurlRequest]:
        only_urls = False
        while self._rest:
            word = self._rest.pop()
            if only_urls or not word.startswith("-") or word == "-":
                self._parsed[-1].urls.append(word)
            elif word == "--":
                only_urls = True
            elif word.startswith("--"):
                self._option(word[2:], word, None)
            else:
                self._letters(word)
        return self._parsed

    def _letters(self, word: str) -> None:
        """One or more short options; the value of the last one follows it, or is the next word."""
        for at, letter in enumerate(word[1:], 1):
            name = _SHORT.get(letter, "")
            if name in _VALUED:
                self._option(name, f"-{letter}", word[at + 1 :] or None)
                return
            if name:
                self._option(name, f"-{letter}", None)

    def _option(self, name: str, written: str, value: str | None) -> None:
        if name not in _VALUED:
            self._switch(name, written)
            return
        if value is None and not self._rest:
            self._lose(f"{written} has no value")
            return
        value = self._rest.pop() if value is None else value
        if name in _UNSUPPORTED:
            self._lose(f"--{name} is not converted")
        elif name in _CONVERTED:
            self._take(self._parsed[-1], name, value)

    def _switch(self, name: str, written: str) -> None:
        if name == "next":
            self._parsed.append(CurlRequest())
        elif name in ("get", "head") or name in _SIGNED:
            self._parsed[-1].switches.add(name)
        elif name.removeprefix("no-") not in _SWITCHES and name not in _SWITCHES:
            self._lose(f"{written} is not a known option of curl")

    def _take(self, request: CurlRequest, name: str, value: str) -> None:
        if name == "url":
            request.urls.append(value)
        elif name == "url-query":
            request.query.append(value)
        elif name == "request":
            request.method = value
        elif name == "user":
            request.user = value
        elif name == "upload-file":
            request.upload = value
        elif name in ("form", "form-string"):
            request.form.append((name, value))
        elif name in _DATA:
            request.data.append((name, value))
        elif name == "header":
            self._header(request, value)
        elif name == "cookie" and "=" not in value:
            self._lose(f"the cookies in the file {value} are not read")
        else:
            prefix = {"range": "bytes=", "oauth2-bearer": "Bearer "}.get(name, "")
            request.headers.append(("authorization" if prefix == "Bearer " else name, prefix + value))

    def _header(self, request: CurlRequest, value: str) -> None:
        """`Name:` removes a line that curl would send, `Name;` sends an empty one; routes see neither."""
        if value.startswith("@"):
            self._lose(f"the header lines in the file {value[1:]} are not read")
            return
        name, _, text = value.partition(":")
        request.headers.append((name.rstrip(";").strip(), text.strip()))

    def _lose(self, what: str) -> None:
        self._lost.add(self._place, what)


class _Exchange:
    """The requests that the options make, one for each URL."""

    def __init__(self, request: CurlRequest, place: str, lost: Losses) -> None:
        self._request = request
        self._place = place
        self._lost = lost

    def of(self, url: str) -> RecordedExchange:
        request = self._request
        query = [item[1:] if item.startswith("+") else self._urlencoded(item) for item in request.query]
        body, kind = self._body()
        if "get" in request.switches:
            query, body, kind = [*query, body], "", ""
        return RecordedExchange(
            place=self._place,
            method=self._method(),
            url=_url(url, query, request.upload),
            request_headers=self._headers(kind),
            request_body=self._known(body).encode("utf-8", "replace"),
        )

    def _method(self) -> str:
        request = self._request
        if request.method:
            return self._known(request.method)
        if "head" in request.switches:
            return "HEAD"
        if request.upload is not None:
            return "PUT"
        return "POST" if request.form or (request.data and "get" not in request.switches) else "GET"

    def _headers(self, kind: str) -> Lines:
        request = self._request
        headers = list(request.headers)
        named = {name.lower() for name, _ in headers}
        if kind and "content-type" not in named:
            headers.append(("content-type", kind))
        if "accept" not in named and any(name == "json" for name, _ in request.data):
            headers.append(("accept", "application/json"))
        if (
            request.user is not None
            and not request.switches & _SIGNED
            and not value_of(headers, "authorization")
        ):
            user = request.user if ":" in request.user else f"{request.user}:"
            token = base64.b64encode(self._known(user).encode()).decode()
            headers.append(("authorization", f"Basic {token}"))
        return [(name, self._known(value)) for name, value in headers if value]

    def _known(self, text: str) -> str:
        """The text, with variables as they are written: their values are lost."""
        for name in _VARIABLE.findall(text):
            lost = Lost(self._place, f"the value of ${name} is not known", f"It is kept as the text ${name}")
            if lost not in self._lost:
                self._lost.append(lost)
        return _VARIABLE.sub(r"$\1", text)

    def _lose_file(self, what: str, file: str) -> None:
        self._lost.add(self._place, f"{what} in the file {file} is not read")

    def _body(self) -> tuple[str, str]:
        """The body, and its default Content-Type."""
        request = self._request
        if request.upload is not None:
            self._lose_file("the body", request.upload)
            return "", ""
        if request.form:
            return self._multipart(), f"multipart/form-data; boundary={_BOUNDARY}"
        body = ""
        for name, value in request.data:
            text = self._urlencoded(value) if name == "data-urlencode" else self._data(name, value)
            body += text if not body or name == "json" else f"&{text}"
        is_json = any(name == "json" for name, _ in request.data)
        kind = "application/json" if is_json else "application/x-www-form-urlencoded"
        return body, kind if request.data else ""

    def _data(self, name: str, value: str) -> str:
        if value.startswith("@") and name != "data-raw":
            self._lose_file("the body", value[1:])
            return ""
        return value

    def _urlencoded(self, value: str) -> str:
        """The value of --data-urlencode: `content`, `=content`, `name=content`, `@file` or `name@file`."""
        at, equals = value.find("@"), value.find("=")
        if equals < 0 and at >= 0:
            self._lose_file("the value", value[at + 1 :])
            return f"{value[:at]}=" if at else ""
        name, content = ("", value) if equals < 0 else (value[:equals], value[equals + 1 :])
        encoded = "".join(part if OPEN in part else quote_plus(part) for part in _pieces(content))
        return f"{name}={encoded}" if name else encoded

    def _multipart(self) -> str:
        lines: list[str] = []
        for option, written in self._request.form:
            name, _, value = written.partition("=")
            disposition, kind = f'form-data; name="{name}"', ""
            if option == "form":
                value, kind, file = self._part(value)
                disposition += "" if file is None else f'; filename="{file}"'
            lines += [f"--{_BOUNDARY}", f"Content-Disposition: {disposition}"]
            lines += [f"Content-Type: {kind}"] if kind else []
            lines += ["", value]
        return "\r\n".join([*lines, f"--{_BOUNDARY}--", ""])

    def _part(self, written: str) -> tuple[str, str, str | None]:
        """Value, type and file name of a part, `value;type=…` or `@file;filename=…`."""
        quoted = _QUOTED.match(written)
        value, *options = (written[quoted.end() :] if quoted else written).split(";")
        given = dict(option.strip().partition("=")[::2] for option in options)
        kind = given.get("type", "")
        if value[:1] not in ("@", "<"):
            return (re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value), kind, None
        self._lose_file("the content", value[1:])
        if value[0] == "<":
            return "", kind, None
        file = given.get("filename", value[1:].rpartition("/")[2]).strip('"')
        return "", kind or "application/octet-stream", file


def _pieces(text: str) -> list[str]:
    """The text, split before and after each variable."""
    return re.split(f"({OPEN}\\w+{CLOSE})", text)


def _url(written: str, query: list[str], upload: str | None) -> str:
    """Return the URL with its scheme, without a fragment, and with the query of the options."""
    url = written.strip().partition("#")[0]
    if "://" not in url and not url.startswith(OPEN):
        url = f"http://{url}"
    before, _, own = url.partition("?")
    if upload is not None and before.endswith("/"):
        before += upload.rpartition("/")[2]
    whole = "&".join(filter(None, [own, *query]))
    return before + (f"?{whole}" if whole else "")
