"""What stands in a raw block is sent as it stands, and the block's own marks are not, also where nothing else varies."""

from __future__ import annotations

import pytest
from support.wiremock import Asking

from mockserver.compiler.scenario_set import build_scenario_set
from mockserver.engine.engine import Engine
from mockserver.scenarios.loader import from_text

BLOCK = "{% raw %}{{ as it stands }}{% endraw %}"


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (f"text: '{BLOCK}'", "{{ as it stands }}"),
        (f"html: '{BLOCK}'", "{{ as it stands }}"),
        (f"json: ['{BLOCK}']", '["{{ as it stands }}"]'),
        (f"text: '{BLOCK} {{{{ 1 }}}}'", "{{ as it stands }} 1"),
    ],
)
def test_a_body_with_a_raw_block_is_sent_without_its_marks(kind, sent):
    source = from_text(f"routes: [{{request: GET /, reply: {{{kind}}}}}]", "s")
    engine = Engine(build_scenario_set([source]), wall=lambda: 0.0, mono=lambda: 0.0)
    assert Asking(engine).text("GET /") == sent
