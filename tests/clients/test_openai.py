"""OpenAI's SDK against scenarios/llm.yaml."""

from pathlib import Path

import openai
import pytest
from openai import OpenAI

SCENARIO = Path(__file__).parents[2] / "scenarios" / "llm.yaml"
HELLO = [{"role": "user", "content": "Hello"}]
ANSWER = "Hello from the mock."


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def client(server):
    with OpenAI(base_url=f"{server.url}/v1", api_key="sk-test", timeout=10) as client:
        yield client


def texts(stream):
    """The pieces of the answer as they come."""
    return (chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content)


def test_a_completion(client):
    done = client.chat.completions.create(model="gpt-4o", messages=HELLO)

    assert done.choices[0].message.content == ANSWER
    assert (done.choices[0].finish_reason, done.model) == ("stop", "gpt-4o")
    assert done.id.startswith("chatcmpl-")
    assert done.usage.total_tokens == 14


def test_a_streamed_completion(client):
    with client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True) as stream:
        chunks = list(stream)

    assert list(texts(chunks)) == ["Hello", " from", " the", " mock", "."]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_two_503s_are_retried_and_both_kinds_of_retry_after_kept(server, client, stream):
    done = client.chat.completions.create(model="gpt-busy", messages=HELLO, stream=stream)

    text = "".join(texts(done)) if stream else done.choices[0].message.content
    assert text == ANSWER
    server.admin.post(
        "/verify",
        {"route": "openai-busy", "times": 3, "attempts": {"operations": 1, "honours": "retry-after"}},
    )
    tries = server.admin.get("/attempts?route=openai-busy")["items"][0]
    assert tries["statuses"] == [503, 503, 200]
    assert tries["retry_after"] == "kept"
    gaps_ms = [one["gap_ms"] for one in tries["tries"][1:]]
    assert gaps_ms[0] < gaps_ms[1]
    assert gaps_ms[1] >= 950


def test_a_service_that_stays_down_is_given_up(server, client):
    with pytest.raises(openai.InternalServerError) as why:
        client.chat.completions.create(model="gpt-down", messages=HELLO)

    assert why.value.status_code == 503
    assert why.value.response.headers["retry-after-ms"] == "50"
    assert server.admin.get("/counts")["routes"]["llm/openai-down"]["calls"] == 3


def test_a_stream_that_is_cut_gives_its_beginning_and_then_fails_without_a_retry(server, client):
    stream = texts(client.chat.completions.create(model="gpt-cut", messages=HELLO, stream=True))

    assert [next(stream), next(stream)] == ["Hello", " from"]
    with pytest.raises(openai.APIConnectionError):
        next(stream)
    call = server.closed_call()
    assert (call["outcome"], call["fault"]) == ("reset", "reset")
    assert server.admin.get("/counts")["total"] == 1
