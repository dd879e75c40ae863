"""The texts of errors are made when they are read, not before."""

from collections.abc import Mapping

import pytest
from template_scope import value

from mockserver.templating.templates import TemplateError


class Listed(Mapping):
    """A mapping that counts how often its names are listed, as finding the nearest one does."""

    def __init__(self, values):
        self.values_by_name = values
        self.listed = 0

    def __getitem__(self, name):
        return self.values_by_name[name]

    def __iter__(self):
        self.listed += 1
        return iter(self.values_by_name)

    def __len__(self):
        return len(self.values_by_name)


def test_the_nearest_name_is_looked_for_when_the_reason_is_read():
    known = Listed({"callback": "http://app"})

    with pytest.raises(TemplateError) as caught:
        value("{{ vars.calback }}", vars=known)

    assert known.listed == 0
    assert caught.value.reason == "vars.calback is undefined. Did you mean 'callback'?"
    assert known.listed == 1


def test_an_error_reads_the_same_each_time():
    with pytest.raises(TemplateError) as caught:
        value("{{ vars.calback }}", vars={"callback": "http://app"})

    assert str(caught.value) == str(caught.value)
    assert str(caught.value).startswith("reply.json: vars.calback is undefined")
