"""Anthropic's SDK against scenarios/llm.yaml."""

from pathlib import Path

import pytest

SCENARIO = Path(__file__).parents[2] / "scenarios" / "llm.yaml"
HELLO = [{"role": "user", "content": "Hello"}]
ANSWER = "Hello from the mock."


@pytest.fixture
def server(serving):
    return serving(SCENARIO)


@pytest.fixture
def client(server):
    from anthropic import Anthropic

    with Anthropic(base_url=server.url, api_key="sk-ant-test", timeout=10) as client:
        yield client


def asked(model):
    return {"model": model, "max_tokens": 100, "messages": HELLO}


def test_a_message(client):
    message = client.messages.create(**asked("claude-any"))

    assert message.content[0].text == ANSWER
    assert (message.stop_reason, message.model) == ("end_turn", "claude-any")
    assert message.id.startswith("msg_")


def test_a_streamed_message(client):
    with client.messages.stream(**asked("claude-any")) as stream:
        texts = list(stream.text_stream)
        message = stream.get_final_message()

    assert texts == ["Hello", " from", " the", " mock", "."]
    assert message.content[0].text == ANSWER
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 5)


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_two_503s_are_retried_and_both_kinds_of_retry_after_kept(server, client, stream):
    if stream:
        with client.messages.stream(**asked("claude-busy")) as streamed:
            text = streamed.get_final_text()
    else:
        text = client.messages.create(**asked("claude-busy")).content[0].text

    assert text == ANSWER
    server.admin.post(
        "/verify",
        {"route": "anthropic-busy", "times": 3, "attempts": {"operations": 1, "honours": "retry-after"}},
    )
    tries = server.admin.get("/attempts?route=anthropic-busy")["items"][0]
    assert tries["statuses"] == [503, 503, 200]
    assert tries["retry_after"] == "kept"
    assert tries["tries"][2]["gap_ms"] >= 950


def test_a_service_that_stays_down_is_given_up(server, client):
    import anthropic

    with pytest.raises(anthropic.APIStatusError) as why:
        client.messages.create(**asked("claude-down"))

    assert why.value.status_code == 503
    assert why.value.body["error"]["type"] == "overloaded_error"
    assert server.admin.get("/counts")["routes"]["llm/anthropic-down"]["calls"] == 3


def test_a_stream_that_is_cut_gives_its_beginning_and_then_fails_without_a_retry(server, client):
    with client.messages.stream(**asked("claude-cut")) as stream:
        texts = stream.text_stream
        assert [next(texts), next(texts)] == ["Hello", " from"]
        with pytest.raises(Exception, match="reset"):
            next(texts)

    assert server.closed_call()["outcome"] == "reset"
    assert server.admin.get("/counts")["total"] == 1
