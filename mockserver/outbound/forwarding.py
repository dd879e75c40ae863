"""Rules for requests to real services, from the settings."""

from __future__ import annotations

from urllib.parse import urlsplit

from mockserver.errors import WrongValueError, invalid
from mockserver.outbound.egress import Egress, EgressRefusedError, UnresolvedHostError
from mockserver.schema.scenario import read_upstream
from mockserver.settings import Settings


def forwarding_rules(settings: Settings) -> list[str]:
    """Return the egress rules that `--forward-to` adds. Raises InvalidInputError."""
    asks = settings.on_unmatched != "404"
    tunnels_only = settings.tls and settings.on_unmatched == "forward" and settings.allow_egress
    if asks and not settings.forward_to and not tunnels_only:
        hint = "Add --forward-to URL"
        raise invalid((), f"--on-unmatched {settings.on_unmatched} has nowhere to go", hint)
    if settings.forward_to and not asks:
        hint = "Add --on-unmatched forward, or --on-unmatched record"
        raise invalid((), "--forward-to alone has no effect", hint)
    return [rule_of(settings.forward_to, "--forward-to")] if settings.forward_to else []


def rule_of(url: str, flag: str) -> str:
    """Return the rule for exactly that host and port. Raises InvalidInputError, with the name of the option."""
    try:
        parts = urlsplit(read_upstream(url))
    except WrongValueError as error:
        raise invalid((), f"{flag}: {error}", error.hint) from error
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def may_forward(egress: Egress, url: str) -> None:
    """Raise InvalidInputError if the URL must not be called, or if its name has no address."""
    try:
        await egress.resolve(url)
    except EgressRefusedError as error:
        raise invalid(("to",), error.reason, error.remedy) from error
    except UnresolvedHostError as error:
        raise invalid(("to",), str(error), "See that it is spelt right and known here") from error
