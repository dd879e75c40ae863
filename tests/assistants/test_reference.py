"""Resources and prompts."""

import json
import re
import tomllib

import pytest
from support.pages import page

from mockserver.mcp.reference import PAGES, SCHEMA_URI, page_uri

from .conftest import in_memory

NOWHERE = "http://127.0.0.1:1"
"""No server: these need none."""


async def test_the_pages_of_the_reference_are_resources_and_the_result_of_a_tool():
    async with in_memory(NOWHERE) as assistant:
        listed = {resource.uri: resource for resource in (await assistant.client.list_resources()).resources}

        assert listed.keys() == {SCHEMA_URI, *map(page_uri, PAGES)}
        for name in PAGES:
            (contents,) = (await assistant.client.read_resource(page_uri(name))).contents
            assert contents.text == page(f"docs/{name}.md")
            assert listed[page_uri(name)].title.split()[0] in contents.text.splitlines()[0]
            text, data = await assistant.call("read_reference", page=name)
            assert text == contents.text
            assert data == {"page": name, "uri": page_uri(name)}


async def test_the_schema_is_a_resource():
    async with in_memory(NOWHERE) as assistant:
        (contents,) = (await assistant.client.read_resource(SCHEMA_URI)).contents

        assert json.loads(contents.text) == json.loads(page("scenarios/scenario.schema.json"))


async def test_there_is_no_other_resource():
    from mcp import MCPError

    async with in_memory(NOWHERE) as assistant:
        with pytest.raises(MCPError, match=r"There is no resource mockserver://docs/\.\./x"):
            await assistant.client.read_resource("mockserver://docs/../x")


def test_the_wheel_has_the_pages():
    wheel = tomllib.loads(page("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert wheel["force-include"] == {f"docs/{name}.md": f"mockserver/docs/{name}.md" for name in PAGES}


async def test_prompts_have_their_arguments_filled_in():
    async with in_memory(NOWHERE) as assistant:
        prompts = (await assistant.client.list_prompts()).prompts

        for prompt in prompts:
            arguments = {argument.name: "THIS ONE" for argument in prompt.arguments}
            result = await assistant.client.get_prompt(prompt.name, arguments)
            text = result.messages[0].content.text
            assert ("THIS ONE" in text) == bool(arguments)
            assert not re.search(r"\{\w+\}", text)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("mock_servise", {}, "There is no prompt 'mock_servise'. Did you mean 'mock_service'?"),
        ("mock_service", {}, "The argument 'service' is missing"),
        ("fix_unmatched", {"x": "y"}, "There is no argument 'x'."),
    ],
)
async def test_a_wrong_prompt_is_an_error_of_the_protocol(name, arguments, said):
    from mcp import MCPError

    async with in_memory(NOWHERE) as assistant:
        with pytest.raises(MCPError, match=re.escape(said)):
            await assistant.client.get_prompt(name, arguments)
