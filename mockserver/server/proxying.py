"""The environment of programs that use a server as their proxy for http and https."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

CA_VARIABLES = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "GIT_SSL_CAINFO",
)  # fmt: skip
"""Each names a file of trusted CAs to some clients."""
_NO_PROXY = "localhost,127.0.0.1,::1"


def proxy_url(url: str, namespace: str) -> str:
    """
    Return the URL of the proxy for a namespace.

    >>> proxy_url("http://127.0.0.1:8080/@order-1", "order-1")
    'http://order-1:x@127.0.0.1:8080'
    """
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(namespace, safe='')}:x@{rest.partition('/')[0]}"  # some clients send no user without a password


def proxy_environment(
    url: str, bundle: str | None, base: Mapping[str, str], proxy: str = ""
) -> dict[str, str]:
    """
    Return the environment of a program whose proxy is the server at `url`, and which trusts the CAs in `bundle`.

    `base` is the environment that it changes; hosts in its NO_PROXY stay there. `proxy` replaces `url` as the proxy.
    """
    no_proxy = ",".join(filter(None, (_NO_PROXY, base.get("NO_PROXY") or base.get("no_proxy"))))
    proxies = {"HTTP_PROXY": proxy or url, "HTTPS_PROXY": proxy or url, "NO_PROXY": no_proxy}
    environment = dict(base) | proxies | {name.lower(): value for name, value in proxies.items()}
    environment |= {"EXTERNAL_API_URL": url, "NODE_USE_ENV_PROXY": "1"}
    if bundle is not None:
        environment |= dict.fromkeys(CA_VARIABLES, bundle)
    return environment


def write_bundle(ca_pem: bytes, folder: Path) -> str:
    """Write the CA, behind those that the system trusts, to a file in the folder. Return its path."""
    trusted = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    try:
        known = Path(trusted).read_bytes() if trusted else b""
    except OSError:
        known = b""
    file = folder / "ca.pem"
    file.write_bytes(known + b"\n" + ca_pem)
    return str(file)
