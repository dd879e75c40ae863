"""Convert replies to the steps of a sequence."""

from __future__ import annotations

from typing import Any

from mockserver.model.json_values import equal


def folded(replies: list[Any], few: int) -> list[Any]:
    """
    Return the steps: equal replies in a row are one, and the last stands for all that would follow it.

    At most `few` equal statuses in a row are written out.

    >>> folded([503, 503, 503, {"text": "a"}, {"text": "a"}, 200, 200], few=2)
    [{'status': 503, 'times': 3}, {'text': 'a', 'times': 2}, 200]
    """
    runs: list[tuple[Any, int]] = []
    for reply in replies:
        if runs and equal(runs[-1][0], reply):
            runs[-1] = (reply, runs[-1][1] + 1)
        else:
            runs.append((reply, 1))
    steps: list[Any] = []
    for reply, times in runs[:-1]:
        if times == 1 or (isinstance(reply, int) and times <= few):
            steps += [reply] * times
        else:
            steps.append({**(reply if isinstance(reply, dict) else {"status": reply}), "times": times})
    return [*steps, runs[-1][0]]
