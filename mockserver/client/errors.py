"""
Errors of the client.

    MockServerError
      ClientError
        Unreachable             no answer, or not in time
        WrongEventLoop          a server of this process can't answer while the call waits
        Refused                 the admin API returned an error; has its problem document
          VerificationFailed    a check failed; also an AssertionError
"""

from __future__ import annotations

from typing import Any

from mockserver.errors import MockServerError


class ClientError(MockServerError):
    """Base class of the errors of the client. Invalid arguments raise TypeError or ValueError."""


class Unreachable(ClientError, ConnectionError):  # noqa: N818  (public name)
    """No mock server answers at this address in time."""


class WrongEventLoop(ClientError, RuntimeError):  # noqa: N818  (public name)
    """A server of this process can't answer: the call blocks its event loop, or the loop is not running."""


class Refused(ClientError):  # noqa: N818  (public name)
    """
    The admin API returned an error; nothing was changed.

    `problem` is the problem document (RFC 9457), `kind` the last part of its type, `errors` the invalid fields, each
    with a JSON pointer.
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
        """Invalid fields, each as `{pointer, message, hint}`."""
        return list(self.problem.get("errors", ()))


class VerificationFailed(Refused, AssertionError):  # noqa: N818  (public name)
    """A check failed. `checks` has all checks, each as `{ok, expected, saw, text}`."""

    @property
    def checks(self) -> list[dict[str, Any]]:
        return list(self.problem.get("checks", ()))


for _kind in (ClientError, Unreachable, WrongEventLoop, Refused, VerificationFailed):
    _kind.__module__ = "mockserver"  # where users know them from: reports print it before the message


def refusal(problem: dict[str, Any]) -> Refused:
    """The exception for a problem document."""
    return VerificationFailed(problem) if "checks" in problem else Refused(problem)


def _said(problem: dict[str, Any]) -> str:
    """Return the text of a problem: only the failed checks or wrong fields if it has any, else title and detail."""
    title, detail = str(problem.get("title", "")), str(problem.get("detail", ""))
    if detail and (problem.get("checks") or problem.get("errors")):
        return detail
    if not detail:
        return title
    return f"{title}\n{detail}" if "\n" in detail or len(title) + len(detail) > 100 else f"{title}. {detail}"
