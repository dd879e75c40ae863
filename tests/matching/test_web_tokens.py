"""`jwt` of a match: claims, header and place, and what is told if they differ."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from support.engine import InMemory, text
from support.matching import a_matcher

from mockserver.errors import InvalidInputError
from mockserver.jwt import sign
from mockserver.model.http import Request
from mockserver.model.plan import Outcome
from mockserver.schema.verify import SubjectSpec
from mockserver.verification.counting import Subject


def token(header: dict[str, Any] | None = None, **claims: Any) -> str:
    parts = [header or {"alg": "HS256"}, claims]
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "x"]
    )


def bearing(value: str, scheme: str = "Bearer ") -> Request:
    return Request("GET", "/", [("Authorization", scheme + value)])


@pytest.mark.parametrize(
    ("match", "claims", "differences"),
    [
        ({"scope": {"contains": "pay"}}, {"scope": "read pay"}, []),
        (
            {"scope": {"contains": "pay"}},
            {"scope": "read"},
            ["jwt.claims.scope: expected to contain 'pay', got 'read'"],
        ),
        ({"roles": {"contains": "admin"}}, {"roles": ["admin", "x"]}, []),
        ({"level": {"gte": 5}, "sub": "ann"}, {"level": 5, "sub": "ann"}, []),
        ({"level": 5}, {"level": "5"}, ["jwt.claims.level: expected 5, got '5', a text"]),
        ({"sub": "ann"}, {}, ["jwt.claims.sub is missing: expected 'ann'"]),
        ({"act": "absent"}, {}, []),
    ],
)
def test_claims_are_json_values(
    match: dict[str, Any], claims: dict[str, Any], differences: list[str]
) -> None:
    matcher, request = a_matcher(jwt={"claims": match}), bearing(token(**claims))

    assert matcher.holds(request) is (not differences)
    assert [difference.text.split("; ")[0] for difference in matcher.differences(request)] == differences


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request("GET", "/"), "jwt: expected a JSON Web Token in headers.authorization, but it is missing"),
        (bearing("opaque"), "jwt: expected a JSON Web Token in headers.authorization, but it is not a JSON Web Token: it does not have three parts"),
        (bearing("dXNlcjpwdw==", "Basic "), "jwt: expected a JSON Web Token in headers.authorization, but it is not a JSON Web Token: it does not have three parts"),
    ],
)  # fmt: skip
def test_what_is_not_a_token_is_told_once(request_: Request, said: str) -> None:
    matcher = a_matcher(jwt={"claims": {"sub": "ann", "scope": "pay"}})

    assert not matcher.holds(request_)
    assert [difference.text for difference in matcher.differences(request_)] == [said]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("headers.x-id", ("X-Id", token(sub="ann"))),
        ("cookies.session", ("Cookie", f"a=b; session={token(sub='ann')}")),
        ("headers.authorization", ("authorization", f"bearer  {token(sub='ann')}")),
    ],
)
def test_a_token_may_be_elsewhere(place: str, line: tuple[str, str]) -> None:
    matcher = a_matcher(jwt={"in": place, "claims": {"sub": "ann"}})

    assert matcher.holds(Request("GET", "/", [line]))
    assert matcher.holds(bearing(token(sub="ann"))) is (place == "headers.authorization")


def test_the_header_of_a_token_can_be_matched() -> None:
    matcher = a_matcher(jwt={"header": {"alg": {"one_of": ["RS256", "ES256"]}}})

    assert matcher.holds(bearing(token({"alg": "RS256"})))
    assert not matcher.holds(bearing(token({"alg": "none"})))


@pytest.mark.parametrize("place", ["authorization", "path.x", "headers.", "{{ request.headers.x }}", 5])
def test_another_place_is_refused(place: object) -> None:
    with pytest.raises(ValueError, match="is not a place of a token"):
        a_matcher(jwt={"in": place})


def test_a_wrong_operator_is_told_with_its_place() -> None:
    with pytest.raises(InvalidInputError, match=r"jwt\.claims\.scope\.contians"):
        a_matcher(jwt={"claims": {"scope": {"contians": "pay"}}})


# Signature and times

VERIFIED = """
routes:
  - {name: ok, request: GET /pay, match: {jwt: {verify: true, claims: {sub: ann}}}, reply: {text: paid}}
  - name: cases
    request: GET /cases
    reply: {cases: [{match: {jwt: {verify: true}}, text: valid}, {status: 401, text: invalid}]}
"""
NOW_S = 1_900_000_000


def outcome(memory: InMemory, line: str, **claims: Any) -> tuple[int | None, str]:
    call = memory.ask(line, authorization="Bearer " + sign({"sub": "ann", **claims}, "RS256", 1))
    return call.status, text(call)


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({}, None),
        ({"exp": NOW_S + 1, "nbf": NOW_S}, None),
        ({"exp": NOW_S}, "jwt.claims.exp: expected a time after 2030-03-17T17:46:40.000000Z, got 2030-03-17T17:46:40.000000Z"),
        ({"nbf": NOW_S + 1}, "jwt.claims.nbf: expected a time up to"),
        ({"exp": "tomorrow"}, "jwt.claims.exp: expected a time after"),
        ({"exp": None}, "jwt.claims.exp: expected a time after"),
        ({"exp": 1e300}, "jwt.claims.exp: expected a time after"),
    ],
)  # fmt: skip
def test_a_verified_token_is_valid_by_the_clock(claims: dict[str, Any], said: str | None) -> None:
    memory = InMemory(VERIFIED)

    status, answer = outcome(memory, "GET /pay", **claims)

    assert status == (200 if said is None else 404)
    assert said is None or said in answer
    assert outcome(memory, "GET /cases", **claims) == ((200, "valid") if said is None else (401, "invalid"))


def test_a_moved_clock_makes_it_invalid() -> None:
    memory = InMemory(VERIFIED)
    assert outcome(memory, "GET /pay", exp=NOW_S + 60)[0] == 200

    memory.default.clock.move_to(NOW_S + 60.0)

    assert outcome(memory, "GET /pay", exp=NOW_S + 60)[0] == 404


def test_a_signature_of_another_is_told() -> None:
    memory = InMemory(VERIFIED)

    call = memory.ask(
        "GET /pay", authorization="Bearer " + token({"alg": "RS256", "kid": "other"}, sub="ann")
    )

    assert call.status == 404
    assert "no key of the server made its signature (kid 'other')" in text(call)


def test_a_check_verifies_a_token_as_of_its_call() -> None:
    memory = InMemory(VERIFIED)
    bearer = "Bearer " + sign({"sub": "ann", "exp": NOW_S + 60}, "RS256", 1)
    for at_s in (NOW_S, NOW_S + 59, NOW_S + 60):
        memory.now_s = at_s
        request = Request("GET", "/pay", [("Authorization", bearer)], arrived_s=at_s)
        memory.engine.finish(memory.engine.begin(request, memory.default), Outcome.DONE)
    memory.now_s = NOW_S + 1000

    def count(**jwt: Any) -> int:
        spec = SubjectSpec.model_validate(
            {"request": "GET /pay", "match": {"jwt": {"claims": {"sub": "ann"}, **jwt}}}
        )
        return Subject(memory.default, spec).count(memory.default).count

    assert (count(verify=True), count()) == (2, 3)
