"""Commands of curl as routes, compared with what the real curl sends."""

import re
import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.importing import lost, routes, written

from mockserver.errors import InvalidInputError
from mockserver.formats import curl
from mockserver.formats.curl.arguments import requests_of
from mockserver.formats.curl.shell import commands
from mockserver.model.http import split_urlencoded


@pytest.fixture
def read(tmp_path):
    """Imports a script."""

    def imported(text):
        file = tmp_path / "commands.sh"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return curl.read(file)

    return imported


def lines(imported):
    return [route["request"] for route in routes(imported)]


# The shell


def words(text):
    return [command.words for command in commands(text) if command.words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a 'it'\\''s' \"\\\"q\\\" \\n\"", [["a", "it's", '"q" \\n']]),
        ("a \\\n  b \\\r\n  c\nd", [["a", "b", "c"], ["d"]]),
        ("a'b'\"c\"d ''", [["abcd", ""]]),
        ("a # b\n# c\nd#e", [["a"], ["d#e"]]),
        ("a; b && c || d | e & f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a $'\\u00e9\\n\\x41\\101\\'\\q'", [["a", "é\nAA'q"]]),
        ("a >/dev/null 2>&1 <b >> c d", [["a", "d"]]),
        ("a <<'EOF' b\nit's\nEOF\nc", [["a", "b"], ["c"]]),
        ("a <<-X\n\tone\n\tX\nb", [["a"], ["b"]]),
        ("a \"x\\\ny\" 'x\\\ny'", [["a", "xy", "x\\\ny"]]),
        ("a '$X' \\$X", [["a", "$X", "$X"]]),
        ("", []),
    ],
)
def test_words_are_those_of_a_shell(text, expected):
    assert words(text) == expected


_PIECES = st.lists(st.sampled_from(["a", " ", "'", '"', "\\", "\n", "$", "#", ";", "{", "é", "\t", "`", "=", "&", "|", "<", ">", "~", "*"]), min_size=1, max_size=12)  # fmt: skip


@given(st.lists(_PIECES.map("".join), min_size=1, max_size=5))
def test_quoted_words_are_read_back(given_words):
    assert words(shlex.join(["curl", *given_words])) == [["curl", *given_words]]


@pytest.mark.parametrize(("text", "line"), [("curl 'a", 1), ('\n\ncurl "a', 3), ("curl a\ncurl $'a", 2)])
def test_an_open_quote_is_refused_with_its_line(read, text, line):
    with pytest.raises(InvalidInputError, match=rf"commands.sh:{line}: the quote .* is not closed"):
        read(text)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(_PIECES.map("".join), min_size=1, max_size=4))
def test_what_bash_prints_of_quoted_words_is_what_is_read(given_words):
    script = "printf '%s\\0' " + " ".join(f'"{_without_expansions(word)}"' for word in given_words)
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    assert done.stdout.decode().split("\0")[:-1] == words(script)[0][2:]


def _without_expansions(word):
    """Escape what would be expanded in double quotes, or close them, unless a backslash does that already."""
    return re.sub(
        r'(\\*)([$`"]|\Z)',
        lambda found: found[1] + "\\" * (len(found[1]) % 2 != bool(found[2])) + found[2],
        word,
    )


# The requests, as the real curl sends them

COMMANDS = [
    "curl URL/a",
    "curl URL",
    "curl 'URL/a?x=1&y=a%20b#part'",
    "curl -X DELETE URL/a/7",
    "curl -XPUT -d a=1 URL/a",
    "curl URL/a -d a=1 -d 'b=x y' --data-raw @c",
    "curl URL/a --data-binary '{\"a\": [1, 2]}' -H 'Content-Type: application/json'",
    "curl URL/a --json '{\"a\": 1}'",
    "curl URL/a --json '{\"a\":' --json 1}",
    "curl URL/a --data-urlencode 'name=Ann & Bob' --data-urlencode =a=b --data-urlencode 'é x' -d c=1",
    "curl -G URL/a -d a=1 --data-urlencode 'q=x y/ü'",
    "curl -G 'URL/a?z=0' -d a=1",
    "curl URL/a --url-query 'a=x y' --url-query +b=1",
    "curl -I URL/a",
    "curl -u user:pass URL/a",
    "curl --oauth2-bearer token URL/a -A agent -e http://referer/ -b 'a=1; b=2' -r 0-9",
    "curl -sSLkv --compressed --max-time 5 -o /dev/null -w '%{http_code}' URL/a",
    "curl -sd a=1 URL/a",
    "curl URL/a -H 'X-A: 1' -H 'Accept:' -H 'X-B;' -H 'x-a: 2'",
    "curl URL/a -F a=1 -F 'b=x;type=text/plain' --form-string 'c=@d;type=e' -F 'd=\"q;r\"'",
    "curl --request PATCH --url URL/a --header 'content-type: text/plain' --data hello",
    "curl URL/a URL/b -d x=1",
    "curl URL/a -d x=1 --next -X PUT URL/b -:s URL/c",
    "curl -- URL/a",
    "curl $'URL/a' --data $'it\\'s \\u00e9'",
    "curl URL/a \\\n  -X POST \\\n  -d 'a=1'  # comment",
]  # fmt: skip
_HEADERS = ("content-type", "authorization", "x-a", "cookie", "referer", "range")


@pytest.fixture
def sent(serving, tmp_path):
    """What the real curl sends for a command."""
    server = serving("routes: [{request: 'ANY /{any:.*}', reply: 200}]")

    def calls(command):
        script = command.replace("URL", server.url)
        subprocess.run(["bash", "-c", script], capture_output=True, timeout=30, check=True, cwd=tmp_path)
        return [call["request"] for call in server.calls()], server.url

    return calls


def meant(request):
    """A received request, as far as routes see it. The boundary of a form is random."""
    headers = [(name.lower(), value.partition("; boundary=")[0]) for name, value in request["headers"]]
    path, _, query = request["target"].partition("?")
    return (
        request["method"],
        path,
        split_urlencoded(query),
        sorted(line for line in headers if line[0] in _HEADERS),
    )


def parts(exchange):
    return [(part.name, part.filename, part.text) for part in exchange.request.parts]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_requests_are_those_that_curl_sends(sent, command):
    received, url = sent(command)
    losses = []

    (own,) = words(command.replace("URL", url))
    exchanges = list(requests_of(own[1:], "line 1", losses))

    assert losses == []
    assert len(exchanges) == len(received)
    for exchange, request in zip(exchanges, received, strict=True):
        view = {
            "method": exchange.method,
            "target": exchange.request.target,
            "headers": exchange.request_headers,
        }
        assert meant(view) == meant(request)
        if exchange.request.media_type == "multipart/form-data":
            assert "boundary" not in request["body"]["text"] or parts(exchange)
            for name, _, text in parts(exchange):
                assert f'name="{name}"' in request["body"]["text"]
                assert text in request["body"]["text"]
        elif "--data-urlencode" in command:  # versions of curl write a space differently
            own_body, sent_body = exchange.request_body.decode(), request["body"]["text"]
            assert split_urlencoded(own_body) == split_urlencoded(sent_body)
        else:
            assert exchange.request_body.decode() == request["body"]["text"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["curl URL/a -F a=1 -F b=@commands.sh", "curl 'URL/v1/x y?q=%7Bz%7D' -d a=1 --globoff", *COMMANDS],
)
def test_the_route_of_a_command_answers_the_command(read, serving, tmp_path, command):
    script = command.replace(" y?", "%20y?")
    imported = read(script.replace("URL", "https://api.example"))
    folder = tmp_path / "made"
    folder.mkdir()
    server = serving(written(imported, folder))

    subprocess.run(
        ["bash", "-c", script.replace("URL", server.url)],
        capture_output=True,
        timeout=30,
        check=True,
        cwd=tmp_path,
    )

    assert server.calls()
    assert [call["reply"]["status"] for call in server.calls()] == [200] * len(server.calls())


# Routes


def test_a_script_becomes_routes_without_conditions_that_distinguish_nothing(read):
    imported = read(
        "export API=https://api.example\n"
        "# Orders\n"
        "$ curl -s https://api.example/orders?limit=5 | jq .\n"
        "TOKEN=x curl https://api.example/orders -H 'Authorization: Bearer x' -d sku=A1\n"
        "/usr/bin/curl -X DELETE https://api.example/orders/7\n"
        "echo done\n"
    )

    assert routes(imported) == [
        {"request": "GET /orders", "match": {"query": {"limit": 5}}, "reply": 200},
        {"request": "POST /orders", "reply": 200},
        {"request": "DELETE /orders/7", "reply": 200},
    ]
    assert lost(imported) == []
    assert imported.scenarios["commands"]["x-origin"] == "https://api.example"


def test_bodies_that_distinguish_requests_become_conditions(read):
    imported = read("curl http://a/x -d kind=card\ncurl http://a/x -d kind=cash\n")

    assert [route["match"] for route in routes(imported)] == [
        {"form": {"kind": "card"}},
        {"form": {"kind": "cash"}},
    ]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ('"https://api.example/orders/$ORDER_ID"', "GET /orders/{order_id}"),
        ('"$BASE/orders/${ID}/items/$ID"', "GET /orders/{id}/items/{id_2}"),
        ('"${BASE}"', "GET /"),
        ("https://$HOST:8443/a", "GET /a"),
        ("$(base)/a/`id`", "GET /a/{value}"),
        ("'https://api.example/orders/{id}'", "GET /orders/{id}"),
        ("'https://api.example/orders/$7'", "GET /orders/$7"),
        ("localhost:8080/a", "GET /a"),
    ],
)
def test_variables_and_placeholders_in_a_path_are_parameters(read, url, line):
    imported = read(f"curl {url}")

    assert lines(imported) == [line]
    assert lost(imported) == []


def test_a_variable_in_a_query_matches_any_value(read):
    imported = read('curl "https://a/x?page=$PAGE&size=5"\ncurl -G https://a/y --data-urlencode "q=$Q"\n')

    assert [route["match"]["query"] for route in routes(imported)] == [
        {"page": "present", "size": 5},
        {"q": "present"},
    ]
    assert lost(imported) == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ('curl http://a/ -H "Authorization: Bearer $TOKEN"', "line 1: the value of $TOKEN is not known"),
        ("curl http://a/ -d @body.json", "the body in the file body.json is not read"),
        ("curl http://a/ --data-urlencode q@file", "the value in the file file is not read"),
        ("curl http://a/ -F a=@b.png", "the content in the file b.png is not read"),
        ("curl http://a/ -T b.png", "the body in the file b.png is not read"),
        ("curl http://a/ -H @headers", "the header lines in the file headers are not read"),
        ("curl http://a/ -b cookies.txt", "the cookies in the file cookies.txt are not read"),
        ("curl http://a/ -K config", "--config is not converted"),
        ("curl http://a/ --frobnicate", "--frobnicate is not a known option of curl"),
        ("curl http://a/ -X", "-X has no value"),
        ("curl http://a/ -X post", "methods are case-sensitive"),
        ("curl http://a/\ncurl -s", "line 2: there is no URL in the command"),
    ],
)
def test_what_is_not_converted_is_told_with_its_line(read, command, said):
    imported = read(command)

    assert len(lost(imported)) == 1
    assert said in lost(imported)[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "no command of curl"), (b"wget http://a/\n", "no command of curl"), (b"\xff", "is not UTF-8")],
)
def test_what_is_no_script_is_refused(read, content, said):
    with pytest.raises(InvalidInputError, match=said):
        read(content)


@settings(max_examples=200)
@given(st.text(alphabet="curl -dXHFG@=:/'\"\\\n$`{}()<>&;# aé\x00", max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    file = tmp_path_factory.getbasetemp() / "any.sh"
    file.write_text(f"curl {text}", "utf-8")
    try:
        imported = curl.read(file)
    except InvalidInputError:
        return
    assert imported.scenarios or imported.lost
