"""Decimals of a file keep their text in JSON that a reply sends."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recordings import Played

from mockserver.model.written import written_float
from mockserver.recording.conversion import Imported
from mockserver.responses.bodies import dump_json, json_writer
from mockserver.scenarios.yaml.yaml12 import parse


def sent(yaml, **request):
    played = Played(Imported({"a": parse(f"routes: [{{request: GET /a, reply: {yaml}}}]")}))
    return played.ask("GET /a", **request).body


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("{a: 0.00, b: 1.10}", b'{"a":0.00,"b":1.10}'),
        ("{a: [10.50, {b: 1.0e3}]}", b'{"a":[10.50,{"b":1.0e3}]}'),
        ("10.50", b"10.50"),
        ("[-0.0, -1.10, 1E3, 1e-7, 100.0, 0.1, 1.5]", b"[-0.0,-1.10,1E3,1e-7,100.0,0.1,1.5]"),
        ("[+1.50, .50, 5., 007.50]", b"[1.50,0.50,5.0,7.50]"),
        ("[1.00000000000000000000000001]", b"[1.00000000000000000000000001]"),
        (
            '{a: "1.10", b: 1.10, c: ä"x, 1.10: 2.20}',
            '{"a":"1.10","b":1.10,"c":"ä\\"x","1.10":2.20}'.encode(),
        ),
        ("[0x1F, 007, true, null, 1.10]", b"[31,7,true,null,1.10]"),
    ],
)
def test_a_decimal_is_sent_as_written(written, body):
    assert sent(f"{{json: {written}}}") == body
    assert sent(f"{{raw: true, json: {written}}}") == body


def test_a_decimal_beside_a_template_is_sent_as_written_and_what_the_template_gives_is_a_number_of_python():
    written = '{json: {amount: 10.50, again: "{{ 1.10 + 0 }}", path: "{{ request.path }}", n: [2.00]}}'
    assert sent(written) == b'{"amount":10.50,"again":1.1,"path":"/a","n":[2.00]}'


def test_a_decimal_in_the_data_of_an_event_is_sent_as_written():
    events = (
        "{events: [{event: price, id: .50, data: {a: 1.10}}, {data: 2.50}, 3.50, [4.50, '{{ 1 }}'], 5.5]}"
    )
    assert sent(events) == (
        b'event: price\nid: .50\ndata: {"a":1.10}\n\ndata: 2.50\n\ndata: 3.50\n\ndata: [4.50,1]\n\ndata: 5.5\n\n'
    )
    assert sent("{events: [{each: '{{ [1, 2] }}', data: {n: '{{ item }}', a: 1.10}}]}") == (
        b'data: {"n":1,"a":1.10}\n\ndata: {"n":2,"a":1.10}\n\n'
    )


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 20))
def test_any_decimal_of_a_json_text_comes_out_as_it_was(number, places):
    for text in (f"{number:.{places}e}", f"{number:.{places}f}" if abs(number) < 1e15 else "0.0"):
        if "." not in text and "e" not in text:
            continue
        if math.isinf(float(text)):
            continue
        value, write = json_writer(json.loads(f'{{"a": [{text}]}}', parse_float=written_float))
        assert write(value) == f'{{"a":[{text}]}}'.encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_beside_a_decimal_all_else_is_written_as_ever(value):
    exact, write = json_writer({"a": value, "b": written_float("1.10")})
    assert write(exact) == dump_json({"a": value, "b": 7}).replace(b'"b":7}', b'"b":1.10}')
