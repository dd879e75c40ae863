"""Request lines that are refused, each with the line to write instead."""

import pytest

from mockserver.errors import WrongValueError
from mockserver.schema.base import parse_request_line

REFUSED = [
    ("GET /a b", "has white space in its path", "Write a space as %20: 'GET /a%20b'"),
    ("GET /a b/c d", "has white space in its path", "Write a space as %20: 'GET /a%20b/c%20d'"),
    ("GET /a HTTP/1.1", "has white space in its path", "Write 'GET /a'"),
    (r"GET /a/{id: \d+}", "has white space in its path", r"Leave it out of the braces: 'GET /a/{id:\d+}'"),
    ("GET https://api.example/v1/x", "'https://api.example/v1/x' is a URL", "Write 'GET /v1/x', and `host: api.example` in"),
    ("https://api.example", "'https://api.example' is a URL", "Write 'ANY /', and `host: api.example` in"),
    ("POST http://h:80/x?y=1#z", "'http://h:80/x?y=1#z' is a URL", "Write 'POST /x', and `host: h:80` in"),
    ("GET charges", "does not begin with a slash", "Write 'GET /charges'"),
    ("/charges", "has no method", "Write 'ANY /charges' for every method, or 'GET /charges'"),
    ("GET", "is not a valid request line", "Write a method and a path"),
    ("GET  and more", "is not a valid request line", "Write a method and a path"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message", "hint"), REFUSED, ids=[line for line, *_ in REFUSED])
def test_a_refused_line_says_what_to_write(line, message, hint):
    with pytest.raises(WrongValueError, match=r".+") as refused:
        parse_request_line(line)

    assert message in str(refused.value)
    assert refused.value.hint.startswith(hint)


@pytest.mark.parametrize("line", ["GET /a%20b", r"GET /{id:\d+}", "ANY /x:y", "GET,POST /:id", "GET /a://b"])
def test_what_is_a_path_is_taken(line):
    assert parse_request_line(line).path == line.split()[1]
