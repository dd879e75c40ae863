"""
`fake.name()` and others, from Faker, in the extra `fake`.

Only listed functions: no files, no images, nothing unbounded, and nothing that reads the clock (as Faker's dates do),
since values must be reproducible. Each call seeds the generator from the scope, so it depends on nothing before it.
"""

from __future__ import annotations

import threading
from decimal import Decimal
from functools import cache
from typing import Any

from mockserver.templating.scope import RenderError, Scope
from mockserver.templating.values import kind_of

_PLAIN = [
    "aba", "address", "ascii_company_email", "ascii_email", "ascii_free_email", "ascii_safe_email",
    "bank", "bank_country", "bban", "bs", "building_number", "catch_phrase", "city", "color_name",
    "company", "company_email", "company_suffix", "country", "country_calling_code", "country_code",
    "credit_card_number", "credit_card_provider", "credit_card_security_code",
    "cryptocurrency_code", "cryptocurrency_name", "currency_code", "currency_name",
    "current_country", "current_country_code", "doi", "domain_name", "domain_word", "ean13", "ean8",
    "ein", "email", "emoji", "file_extension", "file_name", "first_name", "first_name_female",
    "first_name_male", "free_email", "free_email_domain", "hex_color", "hostname", "http_method",
    "iban", "image_url", "ipv4", "ipv4_private", "ipv4_public", "ipv6", "isbn10", "isbn13", "job",
    "language_code", "language_name", "last_name", "latitude", "license_plate", "locale",
    "longitude", "mac_address", "md5", "mime_type", "name", "name_female", "name_male",
    "phone_number", "port_number", "postalcode", "postcode", "prefix", "pricetag", "random_digit",
    "random_letter", "rgb_color", "safe_color_name", "safe_domain_name", "safe_email",
    "secondary_address", "sha1", "sha256", "slug", "ssn", "state", "state_abbr", "street_address",
    "street_name", "street_suffix", "suffix", "swift", "timezone", "tld", "uri", "uri_path", "url",
    "user_agent", "user_name", "uuid4", "vin", "word", "zipcode",
]  # fmt: skip
_ARGUED: dict[str, tuple[str, ...]] = {
    "bothify": ("text",),
    "boolean": ("chance_of_getting_true",),
    "lexify": ("text",),
    "numerify": ("text",),
    "paragraph": ("nb_sentences",),
    "paragraphs": ("nb",),
    "password": ("length",),
    "pyint": ("min_value", "max_value"),
    "random_int": ("min", "max"),
    "sentence": ("nb_words",),
    "sentences": ("nb",),
    "text": ("max_nb_chars",),
    "words": ("nb",),
}
FAKES: dict[str, tuple[str, ...]] = dict.fromkeys(_PLAIN, ()) | _ARGUED
"""The available functions, and their arguments."""
RANGES = frozenset({"pyint", "random_int"})
COUNT_LIMIT = 1000
_LOCK = threading.Lock()


def missing() -> bool:
    """Whether Faker is not installed."""
    try:
        import faker  # noqa: F401  (an extra)
    except ImportError:
        return True
    return False


@cache
def _generator() -> Any:
    import faker

    return faker.Faker("en_US")


def fake(scope: Scope, name: str, args: list[Any], kwargs: dict[str, Any]) -> object:
    """Return a generated value as plain JSON. A name that this version of Faker does not have is an error."""
    bound = dict(zip(FAKES[name], args, strict=False)) | kwargs
    for key, value in bound.items():
        _check(name, key, value)
    scope.take_steps(50)
    seed = scope.draws.bits(64)
    with _LOCK:
        generator = _generator()
        generator.seed_instance(seed)
        result = _json(getattr(generator, name)(**bound))
    scope.take_chars(_length(result))
    return result


def _check(name: str, key: str, value: object) -> None:
    """Reject large counts and long texts; ranges may be any numbers."""
    if key == "text":
        if not isinstance(value, str) or len(value) > COUNT_LIMIT:
            raise RenderError(f"fake.{name}() takes a text of at most {COUNT_LIMIT} characters")
    elif not isinstance(value, int):
        raise RenderError(f"fake.{name}() takes a whole number as {key}, not {kind_of(value)}")
    elif name not in RANGES and not 0 <= value <= COUNT_LIMIT:
        raise RenderError(f"{key} of fake.{name}() is 0 to {COUNT_LIMIT}")


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return [_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def _length(value: object) -> int:
    if isinstance(value, list):
        return sum(map(_length, value))
    return len(value) if isinstance(value, str) else 0
