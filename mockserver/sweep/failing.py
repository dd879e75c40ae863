"""
The conditions that fail a sweep: harm, and retry rules that are certainly broken.

If it is uncertain whether a rule is broken, the sweep does not fail.
"""

from __future__ import annotations

from mockserver.errors import near

HARM, RULES = "harmed", "rules"
FAIL_ON = (HARM, RULES)


def parse_fail_on(text: str) -> tuple[str, ...]:
    """
    Parse the value of `--fail-on`. Raises ValueError.

    >>> parse_fail_on("rules, harmed")
    ('harmed', 'rules')
    """
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in FAIL_ON:
            raise ValueError(f"{word!r} is not one of {', '.join(FAIL_ON)}. {near(word, FAIL_ON)}".rstrip())
    return tuple(word for word in FAIL_ON if word in words)
