"""The shipped scenarios of models: what decides an answer, asked of the engine. tests/clients drives them with their SDKs."""

import base64
import json
import struct
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engine import InMemory, effects, text
from support.server import PROJECT

TOOL = {
    "type": "object",
    "properties": {
        "order": {"type": "string"},
        "amount": {"type": "integer"},
        "currency": {"type": "string", "enum": ["eur", "usd"]},
        "express": {"type": "boolean", "default": False},
        "lines": {"type": "array"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "gift": {"type": "string"},
    },
    "required": ["order", "amount", "currency", "express", "lines", "note"],
}
SAMPLE = {"order": "text", "amount": 1, "currency": "eur", "express": False, "lines": [], "note": None}


class Chat:
    """OpenAI's chat completions."""

    name, path, status_when_busy = "openai", "/openai/v1/chat/completions", 503
    headers = ()

    def body(self, texts, *, tools=(), result=None, model="some-model", **more):
        messages = [{"role": "user", "content": one} for one in texts]
        if result is not None:
            messages += [{"role": "assistant", "content": None}, {"role": "tool", "tool_call_id": "c", "content": result}]  # fmt: skip
        functions = [{"type": "function", "function": {"name": name, "parameters": TOOL}} for name in tools]
        return {"model": model, "messages": messages, **({"tools": functions} if tools else {}), **more}

    def line(self, model, stream):
        return f"POST {self.path}"

    def answer(self, reply):
        message = reply["choices"][0]["message"]
        calls = message.get("tool_calls")
        return (calls[0]["function"]["name"], json.loads(calls[0]["function"]["arguments"])) if calls else message["content"]  # fmt: skip

    def usage(self, reply):
        return tuple(reply["usage"][name] for name in ("prompt_tokens", "completion_tokens", "total_tokens"))


class Responses(Chat):
    """OpenAI's responses."""

    path = "/openai/v1/responses"

    def body(self, texts, *, tools=(), result=None, model="some-model", **more):
        items = [{"role": "user", "content": [{"type": "input_text", "text": one}]} for one in texts]
        if result is not None:
            items += [{"type": "function_call_output", "call_id": "c", "output": result}]
        functions = [{"type": "function", "name": name, "parameters": TOOL} for name in tools]
        return {"model": model, "input": items, **({"tools": functions} if tools else {}), **more}

    def answer(self, reply):
        (item,) = reply["output"]
        return (item["name"], json.loads(item["arguments"])) if item["type"] == "function_call" else item["content"][0]["text"]  # fmt: skip

    def usage(self, reply):
        return tuple(reply["usage"][name] for name in ("input_tokens", "output_tokens", "total_tokens"))


class Messages(Chat):
    """Anthropic's messages."""

    name, path, status_when_busy = "anthropic", "/anthropic/v1/messages", 529
    headers = (("anthropic_version", "2023-06-01"),)

    def body(self, texts, *, tools=(), result=None, model="some-model", **more):
        messages = [{"role": "user", "content": [{"type": "text", "text": one}]} for one in texts]
        if result is not None:
            messages += [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": result}]}]  # fmt: skip
        described = [{"name": name, "input_schema": TOOL} for name in tools]
        return {"model": model, "max_tokens": 100, "messages": messages, **({"tools": described} if tools else {}), **more}  # fmt: skip

    def answer(self, reply):
        (block,) = reply["content"]
        return (block["name"], block["input"]) if block["type"] == "tool_use" else block["text"]

    def usage(self, reply):
        sent, made = reply["usage"]["input_tokens"], reply["usage"]["output_tokens"]
        return sent, made, sent + made


class Gemini(Chat):
    """Google's generateContent."""

    name, path = "gemini", "/gemini/v1beta/models"
    headers = (("x_goog_api_key", "any"),)

    def body(self, texts, *, tools=(), result=None, model="some-model", **more):
        contents = [{"role": "user", "parts": [{"text": one}]} for one in texts]
        if result is not None:
            contents += [{"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"result": result}}}]}]  # fmt: skip
        declared = [{"name": name, "parametersJsonSchema": TOOL} for name in tools]
        more.pop("stream", None)
        return {"contents": contents, **({"tools": [{"functionDeclarations": declared}]} if tools else {}), **more}  # fmt: skip

    def line(self, model, stream):
        return f"POST {self.path}/{model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"

    def answer(self, reply):
        (part,) = reply["candidates"][0]["content"]["parts"]
        return (part["functionCall"]["name"], part["functionCall"]["args"]) if "functionCall" in part else part["text"]  # fmt: skip

    def usage(self, reply):
        names = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
        return tuple(reply["usageMetadata"][name] for name in names)


class Ollama(Chat):
    """Ollama's chat."""

    name, path = "ollama", "/ollama/api/chat"

    def body(self, texts, **more):
        return {"stream": False, **super().body(texts, **more)}

    def answer(self, reply):
        calls = reply["message"].get("tool_calls")
        return (calls[0]["function"]["name"], calls[0]["function"]["arguments"]) if calls else reply["message"]["content"]  # fmt: skip

    def usage(self, reply):
        sent, made = reply["prompt_eval_count"], reply["eval_count"]
        return sent, made, sent + made


APIS = [Chat(), Responses(), Messages(), Gemini(), Ollama()]
each_api = pytest.mark.parametrize("api", APIS, ids=[type(api).__name__ for api in APIS])


@cache
def engine_of(name):
    return InMemory({name: (PROJECT / "scenarios/providers" / f"{name}.yaml").read_text("utf-8")})


class Client:
    """Asks an API, in a namespace of its own."""

    made = 0

    def __init__(self, api):
        Client.made += 1
        self.api = api
        self.memory = engine_of(api.name)
        self.ns = self.memory.engine.make_namespace(f"test-{Client.made}")

    def post(self, line, body):
        return self.memory.ask(line, self.ns, json=body, **dict(self.api.headers))

    def ask(self, texts=("Hello",), *, model="some-model", stream=False, **more):
        body = self.api.body(texts, model=model, **({"stream": True} if stream else {}), **more)
        return self.post(self.api.line(model, stream), body)

    def answer(self, *args, **given):
        return self.api.answer(reply(self.ask(*args, **given)))

    def set(self, key, value):
        self.ns.memory.state.write(f"{self.api.name}.{key}", value)


def reply(call):
    assert call.status == 200, text(call)
    return json.loads(text(call))


@each_api
def test_a_request_without_tools_gets_a_text(api):
    assert Client(api).answer() == "Hello from the mock."


@each_api
def test_a_tool_is_called_with_what_its_schema_requires_and_its_result_is_answered_by_text(api):
    client = Client(api)

    assert client.answer(tools=["charge", "refund"]) == ("charge", SAMPLE)
    assert client.answer(tools=["charge"], result="ch_1") == "The tool returned ch_1."


@each_api
def test_state_says_what_is_answered(api):
    client = Client(api)
    client.set("reply", {"tool": "refund", "arguments": {"charge": "ch_1"}, "text": "Done."})

    assert client.answer(tools=["charge", "refund"]) == ("refund", {"charge": "ch_1"})
    assert client.answer(tools=["charge", "refund"], result="ok") == "Done."


CHOICES = [
    (APIS[0], {"tool_choice": {"type": "function", "function": {"name": "refund"}}}, {"tool_choice": "none"}),
    (APIS[1], {"tool_choice": {"type": "function", "name": "refund"}}, {"tool_choice": "none"}),
    (APIS[2], {"tool_choice": {"type": "tool", "name": "refund"}}, {"tool_choice": {"type": "none"}}),
    (
        APIS[3],
        {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["refund"]}}},
        {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}},
    ),
]


@pytest.mark.parametrize(("api", "named", "none"), CHOICES, ids=[type(api).__name__ for api, _, _ in CHOICES])
def test_a_request_may_name_the_tool_or_none(api, named, none):
    client = Client(api)

    assert client.answer(tools=["charge", "refund"], **named)[0] == "refund"
    assert client.answer(tools=["charge", "refund"], **none) == "Hello from the mock."


@each_api
@settings(max_examples=25)
@given(texts=st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=4))
def test_four_characters_are_a_token_and_the_parts_add_up(api, texts):
    sent, made, total = api.usage(reply(Client(api).ask(texts)))

    assert sent == -(-sum(map(len, texts)) // 4)
    assert made == 5
    assert total == sent + made


@each_api
def test_words_in_the_name_of_the_model_are_failures_in_their_order_and_begin_again(api):
    client = Client(api)
    statuses = [client.ask(model="some-model-limited-overloaded-error").status for _ in range(8)]

    assert statuses == [429, api.status_when_busy, 500, 200] * 2
    assert [client.ask(model="some-model").status for _ in range(2)] == [200, 200]
    assert [client.ask(model="some-down").status for _ in range(3)] == [api.status_when_busy] * 3


@each_api
def test_state_chooses_failures_for_a_model_whose_name_is_fixed(api):
    client = Client(api)
    client.set("failures", "limited")

    assert [client.ask().status for _ in range(4)] == [429, 200, 429, 200]
    assert len(effects(client.ns)) == 2


@each_api
def test_an_answer_that_is_cut_was_made_and_one_that_is_refused_was_not(api):
    client = Client(api)
    whole, streamed = (client.ask(model=f"{stream}-cut", stream=stream) for stream in (False, True))
    refused = client.ask(model="m-limited")

    assert [call.fault for call in (whole, streamed, refused)] == ["truncate", "close", None]
    assert len(effects(client.ns)) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "content", "role", "name"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
LISTS = {
    "openai": ["messages", "input", "tools"],
    "anthropic": ["messages", "tools", "system"],
    "gemini": ["contents", "tools"],
    "ollama": ["messages", "tools"],
}


@each_api
@settings(max_examples=25)
@given(value=st.lists(JSON, max_size=3), where=st.integers(0, 2))
def test_what_a_client_sends_in_its_lists_never_makes_a_template_fail(api, value, where):
    names = LISTS[api.name]
    body = {**api.body(["Hello"], tools=["charge"]), names[where % len(names)]: value}
    call = Client(api).post(api.line("m", stream=False), body)

    assert call.status in (200, 400), text(call)


def test_every_answer_of_openai_says_what_is_left_of_the_limit():
    client = Client(APIS[0])
    first, second, refused = (
        dict(client.ask(model=model).response.headers) for model in ("m", "m", "m-limited")
    )

    left = "x-ratelimit-remaining-requests"
    assert int(first[left]) - int(second[left]) == 1
    assert first["x-ratelimit-limit-requests"] == "10000"
    assert (refused[left], refused["x-ratelimit-reset-requests"], refused["retry-after"]) == ("0", "1s", "1")


def test_every_answer_of_anthropic_says_what_is_left_of_the_limit():
    client = Client(APIS[2])
    first, second, refused = (
        dict(client.ask(model=model).response.headers) for model in ("m", "m", "m-limited")
    )

    left, reset = "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"
    assert int(first[left]) - int(second[left]) == 1
    assert first["anthropic-ratelimit-requests-limit"] == "4000"
    assert (refused[left], refused["retry-after"]) == ("0", "1")
    assert refused[reset].endswith("Z")


def embedded(client, path, body):
    call = client.memory.begin(f"POST {path}", client.ns, json=body, **dict(client.api.headers))
    return json.loads(b"".join(piece for step in call.plan for _, piece in step.pieces))


def floats(text_in_base64):
    data = base64.b64decode(text_in_base64, validate=True)
    return [round(one, 6) for one in struct.unpack(f"<{len(data) // 4}f", data)]


@pytest.mark.parametrize("size", [None, 1, 2, 3, 256, 512, 1000])
def test_a_vector_of_openai_has_the_size_asked_for_and_is_the_same_in_both_encodings(size):
    client, path = Client(APIS[0]), "/openai/v1/embeddings"
    body = {"model": "text-embedding-3-small", "input": ["one", "two"], **({"dimensions": size} if size else {})}  # fmt: skip
    plain = [one["embedding"] for one in embedded(client, path, body)["data"]]
    packed = [one["embedding"] for one in embedded(client, path, {**body, "encoding_format": "base64"})["data"]]  # fmt: skip

    assert [len(one) for one in plain] == [size or 1536] * 2
    assert [floats(one) for one in packed] == [[round(value, 6) for value in one] for one in plain]
    if size is None:
        assert plain[0] != plain[1]
        assert sum(value * value for value in plain[0]) == pytest.approx(1, abs=0.001)


def test_a_batch_of_texts_for_openai_may_be_large_and_is_counted():
    texts = [f"text {number:03}" for number in range(300)]
    body = {"model": "text-embedding-3-large", "input": texts, "encoding_format": "base64"}
    answer = embedded(Client(APIS[0]), "/openai/v1/embeddings", body)

    assert [one["index"] for one in answer["data"]] == list(range(300))
    assert len(floats(answer["data"][-1]["embedding"])) == 3072
    assert answer["usage"] == {"prompt_tokens": 600, "total_tokens": 600}


@pytest.mark.parametrize("sent", ["text", ["text"], [1, 2, 3], [[1, 2, 3]]])
def test_openai_embeds_texts_and_tokens(sent):
    answer = embedded(Client(APIS[0]), "/openai/v1/embeddings", {"model": "m", "input": sent})

    assert len(answer["data"]) == 1
    assert answer["usage"]["total_tokens"] == (1 if "text" in sent else 3)


def test_gemini_and_ollama_embed_too():
    gemini, ollama = Client(APIS[3]), Client(APIS[4])
    asked = [{"content": {"parts": [{"text": text}]}, "outputDimensionality": 100} for text in "ab"]
    model = "/gemini/v1beta/models/gemini-embedding-001"
    both = embedded(gemini, f"{model}:batchEmbedContents", {"requests": asked})["embeddings"]
    one = embedded(gemini, f"{model}:embedContent", asked[1])["embedding"]
    vectors = embedded(ollama, "/ollama/api/embed", {"model": "m", "input": ["a", "b", "a"]})["embeddings"]

    assert both[1] == one
    assert [len(vector["values"]) for vector in both] == [100, 100]
    assert both[0] != both[1]
    assert [len(vector) for vector in vectors] == [768] * 3
    assert vectors[0] == vectors[2] != vectors[1]


def test_counts_of_tokens_agree_with_the_usage():
    anthropic, gemini = Client(APIS[2]), Client(APIS[3])
    texts = ["How are you?", "Fine."]
    counted = reply(anthropic.post("POST /anthropic/v1/messages/count_tokens", APIS[2].body(texts)))
    total = reply(gemini.post("POST /gemini/v1beta/models/m:countTokens", APIS[3].body(texts)))

    assert counted["input_tokens"] == APIS[2].usage(reply(anthropic.ask(texts)))[0]
    assert total["totalTokens"] == APIS[3].usage(reply(gemini.ask(texts)))[0]


def test_gemini_reads_names_in_both_forms():
    client = Client(APIS[3])
    declared = [{"name": name, "parameters": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]}} for name in ("f", "g")]  # fmt: skip
    named = {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["g"]}}
    body = {
        "contents": [{"parts": [{"text": "abcd"}]}],
        "tools": [{"function_declarations": declared}],
        "tool_config": named,
        "system_instruction": {"parts": [{"text": "efgh"}]},
    }
    asked = reply(client.post(APIS[3].line("m", stream=False), body))
    body["contents"] += [{"parts": [{"function_response": {"name": "g", "response": {"output": 7}}}]}]
    done = reply(client.post(APIS[3].line("m", stream=False), body))

    assert APIS[3].answer(asked) == ("g", {"n": 1})
    assert APIS[3].usage(asked)[0] == 2
    assert APIS[3].answer(done) == "The tool returned 7."


FORMATS = [
    (APIS[0], {"response_format": {"type": "json_schema", "json_schema": {"name": "o", "schema": TOOL}}}),
    (APIS[1], {"text": {"format": {"type": "json_schema", "name": "o", "schema": TOOL}}}),
    (APIS[2], {"output_config": {"format": {"type": "json_schema", "schema": TOOL}}}),
    (APIS[3], {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": TOOL}}),
    (APIS[4], {"format": TOOL}),
]


@pytest.mark.parametrize(("api", "wanted"), FORMATS, ids=[type(api).__name__ for api, _ in FORMATS])
def test_a_request_with_the_schema_of_a_response_gets_json(api, wanted):
    client = Client(api)

    assert json.loads(client.answer(**wanted)) == SAMPLE
    assert json.loads(client.answer(tools=["charge"], result="ch_1", **wanted)) == SAMPLE
    assert client.answer(tools=["charge"], **wanted) == ("charge", SAMPLE)
