"""What counts as a secret, and what only looks like one."""

import pytest

from mockserver.redaction.secrets import KEYS, LIVE_KEYS, SecretName, card_numbers, named


def cards(text):
    return [text[start:end] for start, end in card_numbers(text)]


@pytest.mark.parametrize(
    "number",
    [
        "4242424242424242", "4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005",
        "6011111111111117", "30569309025904", "3530111333300000", "6200000000000005", "6205500000000000004", "5019717010103742",
        "4242 4242 4242 4242", "4242-4242-4242-4242", "3782 822463 10005", "3056 930902 5904", "4222 2222 2222 2",
    ],
)  # fmt: skip
def test_a_card_number_is_found_as_it_is_printed(number):
    assert cards(number) == [number]
    assert cards(f'{{"n": "{number}", "x": 1}}') == [number]
    assert cards(f"card_{number}.") == [number]


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424243",  # not right by Luhn
        "1767225600000",  # right by Luhn, but milliseconds since 1970
        "89014103211118510720",  # a SIM card's
        "0000000000000000", "4444444444444444",
        "0.4242424242424242", "4242424242424242.25",
        "a4242424242424242", "4242424242424242f", "99994242424242424242424242",
        "42 42 42 42 42 42 42 42", "4242  4242  4242  4242", "4242.4242.4242.4242",
        "550e8400-e29b-41d4-a716-446655440000",
    ],
)  # fmt: skip
def test_other_digits_are_none(text):
    assert cards(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4242424242424242 12 27", ["4242424242424242"]),
        ("4242 4242 4242 4242 123", ["4242 4242 4242 4242"]),
        ("12 4242 4242 4242 4242", ["4242 4242 4242 4242"]),
        ("4242 4242 4242 4242-1a", ["4242 4242 4242 4242"]),
        ("4242424242424242 5555555555554444", ["4242424242424242", "5555555555554444"]),
        ("é 4242424242424242", ["4242424242424242"]),
    ],
)
def test_a_card_number_is_found_among_other_numbers(text, found):
    assert cards(text) == found


@pytest.mark.parametrize(
    "key",
    [
        "sk_live_abcdefgh12345678", "rk_live_abcdefgh12345678", "whsec_abcdefgh12345678", "sk-proj-abcdefghijklmnop1234",
        "sk-ant-api03-abcdefghijklmnop", "ghp_" + "a1" * 18, "github_pat_" + "a1" * 15, "glpat-" + "a1" * 10,
        "xoxb-123456789012-abcdef", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "AIza" + "a1" * 18,
        "SG." + "a1" * 11 + "." + "b2" * 21, "npm_" + "a1" * 18, "hf_" + "a1" * 17, "key-" + "a1" * 16,
        "hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "shpat_" + "a1" * 16,
        "123456789:" + "Aa1-_" * 7,
    ],
)  # fmt: skip
def test_a_key_of_a_known_shape_is_found(key):
    for text in (key, f'{{"a":"{key}"}}', f"uses {key}.", f"https://a.example/{key}"):
        assert [found[0] for found in KEYS.all_in(text)] == [key]
        assert [found[0] for found in LIVE_KEYS.all_in(text)] == [key]


@pytest.mark.parametrize("key", ["sk_test_abcdefgh12345678", "pk_live_abcdefgh12345678", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"])  # fmt: skip
def test_a_key_for_tests_a_public_one_and_a_token_are_masked_and_no_leak(key):
    assert KEYS.found_in(key)
    assert not LIVE_KEYS.found_in(key)


@pytest.mark.parametrize("text", ["sk_live_", "task_live_abcdefgh", "ghp_short", "risk-abcdefghijklmnopq", "AKIA123", "SG.short.x", "tok_visa"])  # fmt: skip
def test_what_only_begins_like_one_is_none(text):
    assert not KEYS.found_in(text)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (SecretName.PASSWORD, "password Password new_password userPassword password_confirmation passwd passphrase pwd pin user[password] a.b.password password2 db_pass source%5Bpassword%5D"),
        (SecretName.SECURITY_CODE, "cvc cvv CVV2 card_cvc cardCvv source[cvc] security_code securityCode card.security_code verification_value cvn"),
        (SecretName.SECRET, "client_secret clientSecret api_key apikey x-api-key access_token refresh_token id_token token private_key aws_secret_access_key sig X-Amz-Signature assertion webhook_secret code_verifier device_code"),
        (SecretName.CODE, "code authorization_code authCode"),
        (SecretName.CREDENTIALS, "authorization Authorization Proxy-Authorization"),
        (None, "idempotency_key key keys tokens max_tokens token_type next_page_token cvc_check password_reset_url pinned shipping passenger compass country_code status_code signature public_key sort_key author secretary description"),
    ],
)  # fmt: skip
def test_names_say_what_a_field_holds(kind, names):
    assert {name: named(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


def test_a_name_without_a_word_or_of_any_length_holds_nothing():
    assert named("") is named("[]") is named("%") is named("password" * 100) is None
