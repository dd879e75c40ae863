"""Tokens and keys that are wrong on purpose, in the order that a scenario or a test asks for."""

from __future__ import annotations

import json

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from identity.support import BACK, IDP, Idp, claims_of, read
from mockserver.persistence.parts import memory_parts, put_memory
from mockserver.store.memory import Memory


def with_tokens(tokens: str, more: str = "") -> Idp:
    return Idp(IDP.replace("consent: auto", f"consent: auto\n  tokens: {tokens}{more}"))


def is_signed(idp: Idp, token: str) -> bool:
    """Whether a client that reads the key set finds the signature valid."""
    try:
        jwt.decode(token, KeySet.import_key_set({"keys": idp.key_set()}), algorithms=["RS256"])
    except (JoseError, ValueError):
        return False
    return True


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_token_is_valid_by_the_key_set(alg: str) -> None:
    idp = Idp(IDP.replace("consent: auto", f"consent: auto\n  alg: {alg}"))
    keys = KeySet.import_key_set({"keys": idp.key_set()})

    assert jwt.decode(idp.token()["access_token"], keys, algorithms=[alg]).claims["sub"] == "app"


@pytest.mark.parametrize(
    ("kind", "claims", "is_accepted"),
    [
        ("expired", {"exp": -3600, "iat": -7200}, False),
        ("not_yet_valid", {"nbf": 3600, "exp": 7200}, False),
        ("wrong_audience", {"aud": "wrong-audience"}, True),
        ("wrong_issuer", {"iss": "https://wrong-issuer.invalid"}, True),
        ("{claims: {aud: null, level: 5}}", {"aud": None, "level": 5}, True),
    ],
)
def test_a_fault_changes_both_tokens_of_one_answer(
    kind: str, claims: dict[str, object], is_accepted: bool
) -> None:
    idp = with_tokens(f"[{kind}, ok]")
    now_s = int(idp.memory.now_s)

    def given() -> dict[str, str]:
        return idp.token("authorization_code", code=idp.code(), redirect_uri=BACK)

    wrong, right = given(), given()

    for name in ("access_token", "id_token"):
        found = claims_of(wrong[name])
        for claim, value in claims.items():
            is_time = claim in ("exp", "iat", "nbf")
            assert found.get(claim) == (now_s + value if is_time else value), claim
        assert found.get("exp") != claims_of(right[name])["exp"] or kind not in ("expired", "not_yet_valid")
        assert is_signed(idp, wrong[name])
    assert idp.me(wrong["access_token"]) == (200 if is_accepted else 401)
    assert idp.me(right["access_token"]) == 200
    assert idp.me(given()["access_token"]) == 200, "the last one repeats"


def test_a_broken_signature_is_found() -> None:
    idp = with_tokens("[bad_signature, ok]")
    wrong, right = idp.token()["access_token"], idp.token()["access_token"]

    assert [is_signed(idp, token) for token in (wrong, right)] == [False, True]
    assert [idp.me(token) for token in (wrong, right)] == [401, 200]


def test_an_answer_without_tokens_takes_no_step() -> None:
    idp = with_tokens("[expired, ok]")
    for _ in range(3):
        assert "error" in idp.token("authorization_code", code="x")

    assert claims_of(idp.token()["access_token"])["exp"] < idp.memory.now_s


def test_a_rotated_key_is_shown_after_its_delay() -> None:
    idp = with_tokens("[ok, rotated, ok]", "\n  jwks_delay: 5m")
    first, second = idp.token()["access_token"], idp.token()["access_token"]

    assert [read(token).header["kid"] for token in (first, second)] == ["rs256-1", "rs256-2"]
    assert [key["kid"] for key in idp.key_set()] == ["rs256-1"]
    assert (is_signed(idp, first), is_signed(idp, second)) == (True, False)
    idp.memory.now_s += 300
    assert [key["kid"] for key in idp.key_set()] == ["rs256-1", "rs256-2"]
    assert is_signed(idp, first)
    assert is_signed(idp, second)
    assert is_signed(idp, idp.token()["access_token"])


def test_the_state_of_a_namespace_selects_faults() -> None:
    idp = with_tokens("[expired, ok]")
    state = idp.ns.memory.state

    state.write("oauth.idp.token", "wrong_audience")
    assert claims_of(idp.token()["access_token"])["aud"] == "wrong-audience"
    state.write("oauth.idp.token", None)
    assert claims_of(idp.token()["access_token"])["exp"] < idp.memory.now_s, "no step was taken meanwhile"
    state.write("oauth.idp.key", 3)
    assert read(idp.token()["access_token"]).header["kid"] == "rs256-3"
    assert [key["kid"] for key in idp.key_set()] == ["rs256-2", "rs256-3"]

    state.write("oauth.idp.token", "exipred")
    answer = idp.ask(
        "POST /idp/oauth/token",
        {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cret"},
    )
    assert answer.status == 500
    assert b"is not a kind of token" in answer.body


def test_a_key_set_can_fail_twice() -> None:
    idp = Idp(IDP + "  - {request: GET /.well-known/jwks.json, reply: [503, 503], then: stop}\n")

    statuses = [idp.ask("GET /idp/.well-known/jwks.json").status for _ in range(3)]

    assert statuses == [503, 503, 200]


def test_tokens_are_dated_by_the_clock() -> None:
    idp = Idp()
    idp.ns.clock.freeze(1_700_000_000.0)

    given = idp.token()["access_token"]

    assert claims_of(given)["iat"] == 1_700_000_000
    assert idp.me(given) == 200
    idp.ns.clock.move_to(1_700_003_600.0)
    assert idp.me(given) == 401


def test_a_snapshot_and_a_restart_keep_tokens_codes_and_keys() -> None:
    idp = with_tokens("[rotated, ok]", "\n  jwks_delay: 5m")
    code, kept = idp.code(), idp.token("authorization_code", code=idp.code())
    snapshot = idp.ns.take_snapshot()
    idp.ns.replace_memory(None)
    assert idp.me(kept["access_token"]) == 401

    idp.ns.put_back(dict(idp.ns.snapshots)[snapshot])
    rows = {part.name: [part.row(thing) for thing in part.things] for part in memory_parts(idp.ns.memory)}
    restored = Memory(idp.ns.clock, {}, idp.ns.shared.bounds)
    put_memory(restored, json.loads(json.dumps(rows)))
    idp.ns.replace_memory(restored)

    assert idp.me(kept["access_token"]) == 200
    assert [key["kid"] for key in idp.key_set()] == ["rs256-1"]
    given = idp.token("authorization_code", code=code)
    assert read(given["access_token"]).header["kid"] == "rs256-2"
    assert "access_token" in idp.token("refresh_token", refresh_token=kept["refresh_token"])


def test_keys_and_words_of_the_state_that_are_not_numbers_are_ignored() -> None:
    idp = with_tokens("[ok]")
    for value in ("two", True, -1, 0, None, 1.5):
        idp.ns.memory.state.write("oauth.idp.key", value)
        idp.ns.memory.state.write("oauth.idp.issued", value)
        idp.ns.memory.state.write("oauth.idp.rotated_s", "yesterday")

        assert read(idp.token()["access_token"]).header["kid"] == "rs256-1"
        assert [key["kid"] for key in idp.key_set()] == ["rs256-1"]


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_the_same_seed_gives_the_same_tokens(alg: str) -> None:
    """A replica that replays the requests of another keeps the same calls."""
    first, second = (Idp(IDP.replace("consent: auto", f"consent: auto\n  alg: {alg}")) for _ in range(2))

    assert first.token() == second.token()
    assert first.code() == second.code()
