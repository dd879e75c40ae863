"""
Conditions on the verified certificate of a client.

Without a certificate, only `client_cert: absent` is true.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.errors import WrongValueError, near, shown
from mockserver.matching.checks import MatchCheck, value_check
from mockserver.matching.conditions import Condition
from mockserver.matching.mismatch import differences as differing
from mockserver.matching.mismatch.differences import DifferencePlace
from mockserver.matching.reading import Reader, read_parts
from mockserver.model.client_cert import ClientCert
from mockserver.model.http import ABSENT, Request
from mockserver.model.mismatch import Difference

PLACE = "client_cert"
ASKED: dict[str, Callable[[ClientCert], list[str]]] = {
    "subject": lambda cert: [cert.subject] if cert.subject else [],
    "issuer": lambda cert: [cert.issuer] if cert.issuer else [],
    "san": lambda cert: list(cert.san),
    "serial": lambda cert: [cert.serial],
    "fingerprint_sha256": lambda cert: [cert.fingerprint_sha256],
}
"""What can be matched in a certificate, as lists of texts."""

_PRESENCE = {"present", "absent"}
_HEX: dict[str, Callable[[str], str]] = {"serial": str.upper, "fingerprint_sha256": str.lower}


def client_cert(written: object, reader: Reader) -> list[MatchCheck]:
    """Compile `present`, `absent`, or a mapping of ASKED. Flaws go to the reader."""
    try:
        return [_check(written, reader)]
    except WrongValueError as error:
        reader.refuse(error)
        return []


def _check(written: object, reader: Reader) -> MatchCheck:
    if isinstance(written, dict):
        if written.keys() <= _PRESENCE and written:
            return _presence(reader.read(written))
        return _asked(_conditions(written, reader))
    if not isinstance(written, str) or written not in _PRESENCE:
        raise WrongValueError(
            f"expected conditions on the certificate, got {shown(written)}",
            "Write present, absent, or a mapping such as {subject: {contains: CN=app}}",
        )
    return _presence(reader.read(written))


def _conditions(written: dict[Any, Any], reader: Reader) -> dict[str, Condition]:
    if not written:
        raise WrongValueError(
            "there is no condition on the certificate", f"Write present, or conditions on some of {_known()}"
        )
    dialects = dict.fromkeys(ASKED, reader.dialect)
    return read_parts(written, reader, dialects, lambda key: _unknown(key, reader), _plain_hex)


def _plain_hex(key: str, written: object) -> object:
    """Return hex as it is compared: without the colons that tools print, in one case."""
    if key in _HEX and isinstance(written, str) and written not in _PRESENCE:
        return _HEX[key](written.replace(":", ""))
    return written


def _unknown(key: object, reader: Reader) -> WrongValueError:
    if key in reader.operators:
        return WrongValueError(
            f"the operator {key!r} is in the place of a part", f"Move it below one of {_known()}"
        )
    return WrongValueError(f"unknown key {key!r}", near(str(key), ASKED))


def _known() -> str:
    return ", ".join(ASKED)


def _presence(condition: Condition) -> MatchCheck:
    def sent(request: Request) -> list[str]:
        cert = request.client_cert
        return [] if cert is None else [cert.subject or cert.serial]

    return value_check(1, condition, sent, DifferencePlace(PLACE, flat=True), refine=_saying_why)


def _asked(conditions: dict[str, Condition]) -> MatchCheck:
    tests = [(ASKED[key], condition.holds) for key, condition in conditions.items()]
    written = {key: condition.written for key, condition in conditions.items()}

    def holds(request: Request) -> bool:
        cert = request.client_cert
        return cert is not None and all(test(read(cert)) for read, test in tests)

    def explain(request: Request) -> list[Difference]:
        cert = request.client_cert
        if cert is None:
            return _saying_why(request, [DifferencePlace(PLACE).differs(ABSENT, "present", written)])
        differences: list[Difference] = []
        for key, condition in conditions.items():
            differences += condition.explain(ASKED[key](cert), DifferencePlace(f"{PLACE}.{key}", flat=True))
        return differences

    return MatchCheck(2, holds, explain, count=sum(condition.count for condition in conditions.values()))


def _saying_why(request: Request, reasons: list[Difference]) -> list[Difference]:
    """Add to the reasons why there is no certificate."""
    if not reasons or request.client_cert is not None:
        return reasons
    note = "the client presented none"
    if request.scheme != "https":
        note = "the request came without TLS: use https, and start the server with --tls-client-ca"
    return [differing.noting(difference, note) for difference in reasons]
