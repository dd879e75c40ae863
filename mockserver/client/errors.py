"""
What can go wrong between a test and its mock server.

    MockServerError
      ClientError
        Unreachable             nobody answers, or not in time
        WrongEventLoop          a server of this process can't answer while the call waits
        Refused                 the admin API said no; carries its problem document
          VerificationFailed    a check does not hold; an AssertionError too
"""

from __future__ import annotations

from typing import Any

from mockserver.errors import MockServerError


class ClientError(MockServerError):
    """The root of what the client raises, wrong arguments aside: those are TypeErrors and ValueErrors."""


class Unreachable(ClientError, ConnectionError):  # noqa: N818  (public name)
    """No mock server answers at that address, or not in time."""


class WrongEventLoop(ClientError, RuntimeError):  # noqa: N818  (public name)
    """A server of this process can't answer: the call keeps its event loop from running, or that loop does not run."""


class Refused(ClientError):  # noqa: N818  (public name)
    """
    The admin API refused a call; nothing was changed.

    `problem` is its problem document (RFC 9457), `kind` the last word of its
    type, `errors` every wrong field with a JSON pointer.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        super().__init__(_said(problem))

    @property
    def status(self) -> int:
        return int(self.problem.get("status", 0))

    @property
    def kind(self) -> str:
        return str(self.problem.get("type", "")).rpartition(":")[2]

    @property
    def errors(self) -> list[dict[str, Any]]:
        """`{pointer, message, hint}` for every wrong field."""
        return list(self.problem.get("errors", ()))


class VerificationFailed(Refused, AssertionError):  # noqa: N818  (public name)
    """A check does not hold. `checks` has all of them, `{ok, expected, saw, text}`."""

    @property
    def checks(self) -> list[dict[str, Any]]:
        return list(self.problem.get("checks", ()))


for _kind in (ClientError, Unreachable, WrongEventLoop, Refused, VerificationFailed):
    _kind.__module__ = "mockserver"  # where users know them from: reports print it before the message


def refusal(problem: dict[str, Any]) -> Refused:
    """The exception for a problem document."""
    return VerificationFailed(problem) if "checks" in problem else Refused(problem)


def _said(problem: dict[str, Any]) -> str:
    """What a person needs of it: the failed checks or the wrong fields alone, else title and detail."""
    title, detail = str(problem.get("title", "")), str(problem.get("detail", ""))
    if detail and (problem.get("checks") or problem.get("errors")):
        return detail
    if not detail:
        return title
    return f"{title}\n{detail}" if "\n" in detail or len(title) + len(detail) > 100 else f"{title}. {detail}"
