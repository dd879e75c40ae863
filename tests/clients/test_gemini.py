"""Google's SDK against scenarios/providers/gemini.yaml."""

import pytest
from google import genai
from google.genai import errors, types
from support.server import PROJECT

ANSWER = "Hello from the mock."
MODEL = "gemini-2.5-flash"


@pytest.fixture
def server(serving):
    return serving(PROJECT / "scenarios/providers/gemini.yaml")


@pytest.fixture
def client(server):
    with genai.Client(
        api_key="any", http_options=types.HttpOptions(base_url=f"{server.url}/gemini")
    ) as client:
        yield client


def forecast(city: str, days: int) -> str:
    """Return the weather of a city."""
    return f"{days} days of rain in {city}"


def test_content_and_its_tokens(client):
    made = client.models.generate_content(model=MODEL, contents="How is the weather in Oslo?")
    counted = client.models.count_tokens(model=MODEL, contents="How is the weather in Oslo?")

    assert (made.text, made.model_version) == (ANSWER, MODEL)
    assert made.candidates[0].finish_reason == types.FinishReason.STOP
    usage = made.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (7, 5, 12)
    assert counted.total_tokens == 7


def test_streamed_content(client):
    chunks = list(client.models.generate_content_stream(model=MODEL, contents="Hello"))

    assert [chunk.text for chunk in chunks if chunk.text] == ["Hello", " from", " the", " mock."]
    assert chunks[-1].usage_metadata.total_token_count == 7


def test_the_sdk_calls_the_function_itself_and_sends_its_result(server, client):
    made = client.models.generate_content(
        model=MODEL, contents="How is it?", config=types.GenerateContentConfig(tools=[forecast])
    )

    assert made.text == "The tool returned 1 days of rain in text."
    assert server.admin.get("/counts")["total"] == 2


def test_a_streamed_function_call(client):
    tool = types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name="forecast",
                parameters=types.Schema(
                    type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]
                ),
            )
        ]
    )
    config = types.GenerateContentConfig(tools=[tool])
    (call,) = [
        call
        for chunk in client.models.generate_content_stream(model=MODEL, contents="How is it?", config=config)
        for call in chunk.function_calls or ()
    ]

    assert (call.name, call.args) == ("forecast", {"city": "text"})


def test_vectors(client):
    made = client.models.embed_content(model="gemini-embedding-001", contents=["one", "two", "one"])

    one, two, again = (vector.values for vector in made.embeddings)
    assert one == again != two
    assert len(one) == 3072


def test_a_limit_and_an_overload_are_retried_where_the_sdk_is_told_to(server, client):
    options = types.HttpOptions(
        retry_options=types.HttpRetryOptions(attempts=3, initial_delay=0.05, max_delay=0.1)
    )
    made = client.models.generate_content(
        model=f"{MODEL}-limited-overloaded",
        contents="Hello",
        config=types.GenerateContentConfig(http_options=options),
    )

    assert made.text == ANSWER
    server.admin.post(
        "/verify", {"route": "gemini-generate-content", "times": 3, "attempts": {"operations": 1, "max": 3}}
    )
    found = server.admin.get("/attempts?route=gemini-generate-content")["items"][0]
    assert found["statuses"] == [429, 503, 200]


def test_without_retry_options_a_refusal_is_an_error(server, client):
    with pytest.raises(errors.ClientError) as limited:
        client.models.generate_content(model=f"{MODEL}-limited", contents="Hello")
    with pytest.raises(errors.ServerError) as busy:
        client.models.generate_content(model=f"{MODEL}-down", contents="Hello")

    assert (limited.value.code, limited.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert (busy.value.code, busy.value.status) == (503, "UNAVAILABLE")
    assert server.admin.get("/counts")["total"] == 2


def test_content_that_breaks_in_its_stream_is_an_error(server, client):
    with pytest.raises(errors.APIError):
        list(client.models.generate_content_stream(model=f"{MODEL}-error", contents="Hello"))
    with pytest.raises(Exception, match=r"incomplete|peer closed|payload"):
        list(client.models.generate_content_stream(model=f"{MODEL}-cut", contents="Hello"))

    assert server.admin.get("/counts")["total"] == 2
