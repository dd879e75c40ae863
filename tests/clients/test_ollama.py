"""Ollama's SDK against scenarios/providers/ollama.yaml. It does not retry: the loop is the application's."""

import ollama
import pytest
from support.server import PROJECT

ANSWER = "Hello from the mock."
ASKED = [{"role": "user", "content": "How is the weather in Oslo?"}]


@pytest.fixture
def server(serving):
    return serving(PROJECT / "scenarios/providers/ollama.yaml")


@pytest.fixture
def client(server):
    with ollama.Client(host=f"{server.url}/ollama") as client:
        yield client


def forecast(city: str, days: int) -> str:
    """
    Return the weather of a city.

    Args:
        city: its name
        days: how many
    """
    return f"{days} days of rain in {city}"


def test_a_chat_and_its_tokens(client):
    made = client.chat("llama3.2", ASKED)

    assert (made.message.content, made.done, made.done_reason) == (ANSWER, True, "stop")
    assert (made.prompt_eval_count, made.eval_count) == (7, 5)


def test_a_streamed_chat(client):
    chunks = list(client.chat("llama3.2", ASKED, stream=True))

    assert [chunk.message.content for chunk in chunks] == ["Hello", " from", " the", " mock.", ""]
    assert [chunk.done for chunk in chunks] == [False] * 4 + [True]
    assert chunks[-1].eval_count == 5


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_is_called_and_its_result_answered(client, streamed):
    def chat(messages):
        made = client.chat("llama3.2", messages, tools=[forecast], stream=streamed)
        return list(made) if streamed else [made]

    (call,) = [call for chunk in chat(ASKED) for call in chunk.message.tool_calls or ()]
    assert (call.function.name, call.function.arguments) == ("forecast", {"city": "text", "days": 1})

    result = {"role": "tool", "tool_name": "forecast", "content": forecast(**call.function.arguments)}
    texts = [chunk.message.content for chunk in chat([*ASKED, result])]
    assert "".join(texts) == "The tool returned 1 days of rain in text."


def test_generated_text_and_vectors(client):
    assert client.generate("llama3.2", "Hello").response == ANSWER
    assert "".join(one.response for one in client.generate("llama3.2", "Hello", stream=True)) == ANSWER
    one, two = client.embed("nomic-embed-text", ["one", "two"]).embeddings
    assert len(one) == 768
    assert one != two


def test_a_limit_and_an_overload_are_retried_by_the_loop_around_it(server, client):
    refused = []
    for _ in range(3):
        try:
            made = client.chat("llama3.2-limited-overloaded", ASKED)
        except ollama.ResponseError as error:
            refused.append(error.status_code)

    assert refused == [429, 503]
    assert made.message.content == ANSWER
    server.admin.post(
        "/verify", {"route": "ollama-chat", "times": 3, "attempts": {"operations": 1, "max": 3}}
    )
    assert server.admin.get("/attempts?route=ollama-chat")["items"][0]["statuses"] == [429, 503, 200]


def test_a_chat_that_breaks_in_its_stream_is_an_error(server, client):
    with pytest.raises(ollama.ResponseError, match="an error was encountered while running the model"):
        list(client.chat("llama3.2-error", ASKED, stream=True))
    with pytest.raises(Exception, match=r"incomplete|peer closed"):
        list(client.chat("llama3.2-cut", ASKED, stream=True))

    assert server.admin.get("/counts")["total"] == 2
