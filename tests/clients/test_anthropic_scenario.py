"""Anthropic's SDK against scenarios/providers/anthropic.yaml: tools, streams, failures."""

import pytest
from support.server import PROJECT

MODEL = "claude-sonnet-5-5"
ASKED = [{"role": "user", "content": "How is the weather in Oslo?"}]
TOOLS = [
    {
        "name": "forecast",
        "description": "The weather.",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    }
]


@pytest.fixture
def server(serving):
    return serving(PROJECT / "scenarios/providers/anthropic.yaml")


@pytest.fixture
def client(server):
    from anthropic import Anthropic  # large: only where it is used

    with Anthropic(base_url=f"{server.url}/anthropic", api_key="any", timeout=10) as client:
        yield client


def message(client, streamed, **asked):
    asked = {"model": MODEL, "max_tokens": 100, "messages": ASKED, **asked}
    if not streamed:
        return client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_used_and_its_result_answered(client, streamed):
    first = message(client, streamed, tools=TOOLS)
    (use,) = first.content
    assert (first.stop_reason, use.name, use.input) == ("tool_use", "forecast", {"city": "text", "days": 1})
    assert use.id.startswith("toolu_")

    said = {"role": "assistant", "content": [use.to_dict()]}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "rain"}]}
    last = message(client, streamed, tools=TOOLS, messages=[*ASKED, said, result])
    assert (last.stop_reason, last.content[0].text) == ("end_turn", "The tool returned rain.")


def test_tokens_are_counted_alike_whole_streamed_and_beforehand(client):
    whole, streamed = (message(client, how, system="Be brief.").usage for how in (False, True))
    before = client.messages.count_tokens(model=MODEL, messages=ASKED, system="Be brief.")

    assert whole.input_tokens == streamed.input_tokens == before.input_tokens == 9
    assert whole.output_tokens == streamed.output_tokens == 5


@pytest.mark.slow
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_limit_and_an_overload_are_retried_and_the_wait_is_kept(server, client, streamed):
    assert message(client, streamed, model=f"{MODEL}-limited-overloaded").content

    route = "anthropic-create-message"
    server.admin.post("/verify", {"route": route, "times": 3, "attempts": {"operations": 1, "honours": True}})
    assert server.admin.get(f"/attempts?route={route}")["items"][0]["statuses"] == [429, 529, 200]
    assert len(server.admin.get("/effects")["items"]) == 1


def test_refusals_are_what_the_sdk_calls_them(client):
    import anthropic

    once = client.with_options(max_retries=0)
    with pytest.raises(anthropic.RateLimitError) as limited:
        message(once, False, model=f"{MODEL}-limited")
    with pytest.raises(anthropic.InternalServerError) as busy:
        message(once, False, model=f"{MODEL}-down")

    headers = limited.value.response.headers
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert limited.value.body["error"]["type"] == "rate_limit_error"
    assert limited.value.body["request_id"] == headers["request-id"] == limited.value.request_id
    assert (busy.value.status_code, busy.value.body["error"]["type"]) == (529, "overloaded_error")


@pytest.mark.parametrize("tools", [[], TOOLS], ids=["text", "tool"])
def test_a_message_that_breaks_in_its_stream_is_an_error_and_not_retried(server, client, tools):
    import anthropic

    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        message(client, True, model=f"{MODEL}-error", tools=tools)
    with pytest.raises(Exception, match=r"incomplete|peer closed|connection"):
        message(client, True, model=f"{MODEL}-cut", tools=tools)

    assert server.admin.get("/counts")["total"] == 2
    assert message(client, True, model=f"{MODEL}-cut", tools=tools).content
