"""The dashboard as a person drives it: by names and roles, through a browser that runs on a loop of its own."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
PATIENCE_MS = 20_000
SCRIPTS = "script, iframe, object, embed, [onclick], [onerror], [onload]"


class Visit(Protocol):
    """What the fixture `browser` opens."""

    _loop: Any
    page: Any


class Dashboard:
    """One open page. What it says on its console as an error, and what it throws, is in `complaints`."""

    def __init__(self, visit: Visit, url: str) -> None:
        self._run = visit._loop.run
        self.page = visit.page
        self.url = url
        self.complaints: list[str] = []
        self.run(self._listen())

    async def _listen(self) -> None:
        """On the browser's own loop: these send something too, and another thread would race with the answer."""
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda why: self.complaints.append(str(why)))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        # A refused call is what some tests want; the browser writes of each.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        result: T = self._run(work)
        return result

    def open(self, place: str = "#/calls") -> Dashboard:
        """Goes to a place of the dashboard, and returns once it hears the server."""
        self.run(self.page.goto(f"{self.url}/ui/{place}"))
        self.sees(".connection[data-state=live]")
        return self

    def goes(self, view: str) -> None:
        self.run(self.page.get_by_role("navigation").get_by_role("link", name=view).click())

    def clicks(self, name: str, within: str = "body") -> None:
        self.run(self.page.locator(within).get_by_role("button", name=name, exact=True).first.click())

    def fills(self, label: str, text: str, within: str = "body") -> None:
        self.run(self.page.locator(within).get_by_label(label, exact=True).first.fill(text))

    def presses(self, *keys: str) -> None:
        for key in keys:
            self.run(self.page.keyboard.press(key))

    def sees(self, selector: str, text: str | None = None) -> None:
        """Returns once such an element is in sight, with that in it."""
        found = self.page.locator(selector)
        if text is not None:
            found = found.filter(has_text=text)
        self.run(found.first.wait_for(state="visible"))

    def sees_no(self, selector: str) -> None:
        self.run(self.page.locator(selector).first.wait_for(state="hidden"))

    def until(self, script: str, *values: Any) -> None:
        """Returns once an expression of JavaScript holds; `given` are the values."""
        self.run(self.page.wait_for_function(f"(given) => {script}", arg=list(values)))

    def asks(self, script: str) -> Any:
        return self.run(self.page.evaluate(script))

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self.run(self.page.locator(selector).all_inner_texts())
        return found

    def rows(self) -> list[str]:
        """The ids of the calls in sight, from top to bottom."""
        ids: list[str] = self.asks(
            "[...document.querySelectorAll('.grid-rows [data-call]:not([hidden])')]"
            ".sort((a, b) => a.dataset.index - b.dataset.index).map((one) => one.dataset.call)"
        )
        return ids

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.run(self.page.screenshot(path=str(path)))
