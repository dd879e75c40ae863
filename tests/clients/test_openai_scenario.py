"""OpenAI's SDK against scenarios/providers/openai.yaml: tools, streams, embeddings, failures."""

import json

import openai
import pytest
from openai import OpenAI
from support.server import PROJECT

ANSWER = "Hello from the mock."
MODEL = "gpt-4o-mini"
ASKED = [{"role": "user", "content": "How is the weather in Oslo?"}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
ARGUMENTS = {"city": "text", "days": 1}
FUNCTION = {"name": "forecast", "description": "The weather.", "parameters": PARAMETERS, "strict": True}
CHAT_TOOLS = [{"type": "function", "function": FUNCTION}]
TOOLS = [{"type": "function", **FUNCTION}]


@pytest.fixture
def server(serving):
    return serving(PROJECT / "scenarios/providers/openai.yaml")


@pytest.fixture
def client(server):
    with OpenAI(base_url=f"{server.url}/openai/v1", api_key="any", timeout=10) as client:
        yield client


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_chat_calls_a_tool_and_goes_on_with_its_result(client, streamed):
    def chat(messages):
        asked = {"model": MODEL, "messages": messages, "tools": CHAT_TOOLS}
        if not streamed:
            return client.chat.completions.create(**asked).choices[0]
        with client.chat.completions.stream(**asked) as stream:
            return stream.get_final_completion().choices[0]

    first = chat(ASKED)
    (call,) = first.message.tool_calls
    assert (first.finish_reason, first.message.content) == ("tool_calls", None)
    assert (call.function.name, json.loads(call.function.arguments)) == ("forecast", ARGUMENTS)

    said = {"role": "assistant", "tool_calls": [call.to_dict()]}
    last = chat([*ASKED, said, {"role": "tool", "tool_call_id": call.id, "content": "rain"}])
    assert (last.finish_reason, last.message.content) == ("stop", "The tool returned rain.")
    assert not last.message.tool_calls


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_response_calls_a_tool_and_goes_on_with_its_result(client, streamed):
    def respond(asked, **more):
        if not streamed:
            return client.responses.create(model=MODEL, input=asked, tools=TOOLS, **more)
        with client.responses.stream(model=MODEL, input=asked, tools=TOOLS, **more) as stream:
            numbers = [event.sequence_number for event in stream]
            assert numbers == list(range(len(numbers)))
            return stream.get_final_response()

    first = respond("How is the weather in Oslo?")
    (call,) = first.output
    assert (first.status, call.type, call.name) == ("completed", "function_call", "forecast")
    assert json.loads(call.arguments) == ARGUMENTS

    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    last = respond([result], previous_response_id=first.id)
    assert last.output_text == "The tool returned rain."
    assert last.previous_response_id == first.id
    assert last.usage.total_tokens == last.usage.input_tokens + last.usage.output_tokens


def test_a_streamed_response_gives_its_text_in_pieces(client):
    with client.responses.create(model=MODEL, input="Say hello.", stream=True) as stream:
        events = list(stream)

    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert pieces == ["Hello", " from", " the", " mock."]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].response.output_text == ANSWER


def test_a_stream_counts_its_tokens_where_it_is_asked_to(client):
    counted = client.chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    usage = list(counted)[-1].usage
    whole = client.chat.completions.create(model=MODEL, messages=ASKED).usage

    assert usage == whole
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (7, 5, 12)


def test_the_sdk_decodes_the_vectors_that_it_asks_for(client):
    made = client.embeddings.create(model="text-embedding-3-small", input=["one", "two", "one"])
    plain = client.embeddings.create(model="text-embedding-3-small", input="one", encoding_format="float")

    one, two, again = (item.embedding for item in made.data)
    assert one == again != two
    assert one == pytest.approx(plain.data[0].embedding)
    assert len(one) == 1536


@pytest.mark.slow
@pytest.mark.parametrize("api", ["completion", "response"])
def test_a_limit_and_an_overload_are_retried_and_the_wait_is_kept(server, client, api):
    if api == "completion":
        client.chat.completions.create(model=f"{MODEL}-limited-overloaded", messages=ASKED)
    else:
        client.responses.create(model=f"{MODEL}-limited-overloaded", input="Hello")

    route = f"openai-create-{api}"
    server.admin.post("/verify", {"route": route, "times": 3, "attempts": {"operations": 1, "honours": True}})
    assert server.admin.get(f"/attempts?route={route}")["items"][0]["statuses"] == [429, 503, 200]
    assert len(server.admin.get("/effects")["items"]) == 1


def test_a_limit_names_what_is_left(client):
    with pytest.raises(openai.RateLimitError) as why:
        client.with_options(max_retries=0).chat.completions.create(model=f"{MODEL}-limited", messages=ASKED)

    assert why.value.code == "rate_limit_exceeded"
    assert why.value.response.headers["x-ratelimit-remaining-requests"] == "0"


@pytest.mark.parametrize("tools", [[], CHAT_TOOLS], ids=["text", "tool"])
def test_a_chat_that_breaks_in_its_stream_is_an_error_and_not_retried(server, client, tools):
    asked = {"messages": ASKED, "stream": True, **({"tools": tools} if tools else {})}
    with pytest.raises(openai.APIError, match="The server had an error"):
        list(client.chat.completions.create(model=f"{MODEL}-error", **asked))
    with pytest.raises(openai.APIConnectionError):
        list(client.chat.completions.create(model=f"{MODEL}-cut", **asked))

    assert server.admin.get("/counts")["total"] == 2
    assert list(client.chat.completions.create(model=f"{MODEL}-cut", **asked))


@pytest.mark.parametrize("tools", [[], TOOLS], ids=["text", "tool"])
def test_a_response_that_breaks_in_its_stream_is_an_error_and_not_retried(server, client, tools):
    asked = {"input": "Hello", "stream": True, **({"tools": tools} if tools else {})}
    events = list(client.responses.create(model=f"{MODEL}-error", **asked))
    with pytest.raises(openai.APIConnectionError):
        list(client.responses.create(model=f"{MODEL}-cut", **asked))

    assert [event.type for event in events][-2:] == ["error", "response.failed"]
    assert events[-1].response.error.code == "server_error"
    assert server.admin.get("/counts")["total"] == 2
