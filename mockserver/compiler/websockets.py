"""Compiles `websocket` of a reply: the steps of its script, with their templates and conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from mockserver.errors import FlawCollector, KeyPath, MissingExtraError, ReadFile, flaws_below, invalid
from mockserver.matching.messages import compile_message_match
from mockserver.model.websocket import (
    CloseStep,
    FaultStep,
    FrameKind,
    OnStep,
    ReceiveStep,
    RepeatStep,
    Rule,
    Script,
    ScriptStep,
    SendStep,
)
from mockserver.model.written import as_text
from mockserver.responses.planner import compile_delay, compile_headers
from mockserver.responses.websocket import WebSocketReply, compile_send, delay_step
from mockserver.schema.base import is_template
from mockserver.schema.reply import ReplyDefaultsSpec, ReplySpec
from mockserver.schema.websocket import MOST_CONTROL_BYTES, CloseSpec, MessageSpec, RuleSpec, ScriptStepSpec
from mockserver.templating.templates import compile_text
from mockserver.templating.variables import AFTER_CLAIM, AFTER_MESSAGE


def check_library(path: KeyPath) -> None:
    """Raise MissingExtraError if the library for WebSocket connections is not installed."""
    try:
        import_module("websockets.server")
    except ImportError:
        raise MissingExtraError(path, "A WebSocket connection", "websocket") from None


def compile_websocket_reply(
    spec: ReplySpec, defaults: ReplyDefaultsSpec, read_file: ReadFile
) -> WebSocketReply:
    """Compile a reply that accepts a handshake. Raises InvalidInputError, paths relative to the reply."""
    check_library(("websocket",))
    flaws = FlawCollector()
    headers = flaws.attempt((), compile_headers, spec, defaults, AFTER_CLAIM)
    delay = flaws.attempt((), compile_delay, spec, defaults, AFTER_CLAIM)
    compiler = _ScriptCompiler(read_file, raw=spec.raw)
    script = flaws.attempt(("websocket",), compiler.script, spec.websocket)
    flaws.check()
    return WebSocketReply(spec, headers=headers, delay=delay, script=script)


class _ScriptCompiler:
    """Compiles the steps of one script. `raw`: strings are not templates."""

    def __init__(self, read_file: ReadFile, *, raw: bool) -> None:
        self._read_file = read_file
        self._raw = raw

    def script(self, specs: Sequence[ScriptStepSpec], *, is_rule: bool = False) -> Script:
        """Compile steps. Raises InvalidInputError with every flaw. `is_rule`: they answer the messages of a rule."""
        flaws = FlawCollector()
        steps = [flaws.attempt((i,), self._step, spec, is_rule) for i, spec in enumerate(specs)]
        flaws.check()
        return tuple(steps)

    def _step(self, spec: ScriptStepSpec, is_rule: bool) -> ScriptStep:
        name = spec.action
        if is_rule and name in ("receive", "on"):
            raise invalid(
                (name,),
                f"`{name}` is not allowed in the steps of a rule",
                "A rule answers one message; write it in the script",
                at_key=True,
            )
        match name:
            case "send":
                return self._send(spec)
            case "receive":
                return self._receive(spec)
            case "delay":
                return self._delay(spec)
            case "ping":
                return SendStep(FrameKind.PING, self._text(as_text(spec.ping), ("ping",), MOST_CONTROL_BYTES))
            case "close":
                return self._close(spec)
            case "repeat":
                return self._repeat(spec, is_rule=is_rule)
            case "on":
                return self._on(spec)
        return FaultStep(spec.fault.value)

    def _send(self, spec: ScriptStepSpec) -> SendStep:
        assert spec.send is not None
        step: SendStep = _below(("send",), compile_send, spec.send, AFTER_MESSAGE, raw=self._raw)
        return step

    def _receive(self, spec: ScriptStepSpec) -> ReceiveStep:
        assert spec.receive is not None
        holds = _below(("receive",), compile_message_match, spec.receive, self._read_file)
        return ReceiveStep(holds, spec.receive.timeout_s)

    def _delay(self, spec: ScriptStepSpec) -> ScriptStep:
        delay = spec.delay
        return delay_step(
            compile_text(delay, ("delay",), names=AFTER_MESSAGE) if is_template(delay) else delay
        )

    def _close(self, spec: ScriptStepSpec) -> CloseStep:
        close: CloseSpec = spec.close
        return CloseStep(close.code, self._text(close.reason, ("close", "reason"), MOST_CONTROL_BYTES - 2))

    def _text(self, text: str, path: KeyPath, most_bytes: int) -> Callable[[Callable[[], Any]], bytes]:
        """Return the function that makes a text of at most that many bytes, cut if a template makes a longer one."""
        if self._raw or not is_template(text):
            data = text.encode()
            if len(data) > most_bytes:
                raise invalid(path, f"it has more than {most_bytes} bytes", "Shorten it")
            return lambda _: data
        template = compile_text(text, path, names=AFTER_MESSAGE)
        return lambda scope: (
            template.render(scope())
            .encode("utf-8", "replace")[:most_bytes]
            .decode("utf-8", "ignore")
            .encode()
        )

    def _repeat(self, spec: ScriptStepSpec, *, is_rule: bool) -> RepeatStep:
        assert spec.steps is not None
        times = None if spec.repeat == "forever" else int(spec.repeat)
        if times is None and not _waits(spec.steps):
            raise invalid(
                ("repeat",),
                "these steps would repeat without a pause",
                "Add {delay: 1s} or a receive to `steps`",
            )
        return RepeatStep(times, _below(("steps",), self.script, spec.steps, is_rule=is_rule))

    def _on(self, spec: ScriptStepSpec) -> OnStep:
        assert spec.on is not None
        flaws = FlawCollector()
        rules = [flaws.attempt(("on", i), self._rule, rule) for i, rule in enumerate(spec.on)]
        flaws.check()
        return OnStep(tuple(rules))

    def _rule(self, spec: RuleSpec) -> Rule:
        flaws = FlawCollector()
        holds = flaws.attempt(("receive",), compile_message_match, spec.receive, self._read_file)
        steps = flaws.attempt(("steps",), lambda: self.script(spec.steps, is_rule=True))
        flaws.check()
        return Rule(holds, steps)


def _below(path: KeyPath, make: Callable[..., Any], *args: object, **keys: object) -> Any:
    """Return what `make` returns; its flaws are below `path`."""
    with flaws_below(*path):
        return make(*args, **keys)


def _waits(specs: Sequence[ScriptStepSpec]) -> bool:
    """Whether the steps wait: for a time, or for a message."""
    return any(
        spec.has("receive")
        or (spec.has("delay") and spec.delay != 0)
        or (spec.has("repeat") and spec.steps is not None and _waits(spec.steps))
        for spec in specs
    )


def compile_pushed(spec: MessageSpec) -> tuple[FrameKind, bytes]:
    """Return the payload of a message without templates. Raises InvalidInputError."""
    step = compile_send(spec, frozenset(), raw=True)
    return step.kind, step.data(_no_scope)


def _no_scope() -> object:
    raise AssertionError("a message without templates asks for no variables")
