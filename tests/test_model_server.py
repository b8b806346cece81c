"""The stand-in model, asked by OpenAI's own client."""

import openai
import pytest

from langwatch_otel.cli.model_server import ModelServer

HISTORY = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "My name is Ana."},
    {"role": "assistant", "content": "Hello, Ana."},
    {"role": "user", "content": [{"type": "text", "text": "What is my name?"}]},
]


@pytest.fixture
def client():
    with ModelServer() as model, openai.OpenAI(base_url=model.base_url, api_key="none", max_retries=0) as client:
        yield client


def test_a_reply_depends_on_the_conversation(client):
    """The stand-in answers the last message with what came before it, and counts tokens."""
    completion = client.chat.completions.create(model="gpt-4.1", messages=HISTORY)
    [choice] = completion.choices

    assert (choice.message.role, choice.message.content) == ("assistant", "Your name is Ana.")
    assert (completion.model, choice.finish_reason) == ("gpt-4.1", "stop")
    assert completion.usage.to_dict() == {"prompt_tokens": 13, "completion_tokens": 5, "total_tokens": 18}


def test_a_streamed_reply_comes_in_pieces_that_join_to_the_whole(client):
    """A stream is the same words in chunks, with the usage last where it was asked for."""
    options = {"model": "gpt-4.1", "messages": HISTORY, "stream": True}
    plain = list(client.chat.completions.create(**options))
    counted = list(client.chat.completions.create(**options, stream_options={"include_usage": True}))

    said = [chunk.choices[0].delta.content for chunk in plain]
    assert said == ["", "Your", " name", " is", " Ana.", None]
    assert [chunk.usage and chunk.usage.total_tokens for chunk in counted] == [None] * 6 + [18]


@pytest.mark.parametrize("asked", [{"messages": "hi", "model": "m"}, {"messages": [], "model": None}])
def test_a_wrong_request_is_answered_as_openai_would(client, asked):
    """What OpenAI refuses with 400 is refused with 400, in its words."""
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**asked)
    assert refused.value.type == "invalid_request_error"


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_an_error_comes_to_whoever_asks_for_one(client, status):
    """The model `error-STATUS` answers with that status, streamed or not, in either API."""
    for ask in (
        lambda: client.chat.completions.create(model=f"error-{status}", messages=HISTORY),
        lambda: client.chat.completions.create(model=f"error-{status}", messages=HISTORY, stream=True),
        lambda: client.responses.create(model=f"error-{status}", input="Hello"),
    ):
        with pytest.raises(openai.APIStatusError) as refused:
            ask()
        assert refused.value.status_code == status


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"name": "weather", "parameters": SCHEMA}
ASKED = {"role": "user", "content": "Lisbon"}


def test_a_tool_is_called_and_its_result_is_the_answer(client):
    """Where a tool is offered the model calls it with what was said, whole or streamed, and then tells what came."""
    options = {"model": "gpt-4.1", "tools": [{"type": "function", "function": WEATHER}]}
    [choice] = client.chat.completions.create(messages=[ASKED], **options).choices
    [call] = choice.message.tool_calls
    assert (choice.finish_reason, call.function.name, call.function.arguments) == (
        "tool_calls",
        "weather",
        '{"city": "Lisbon"}',
    )
    chunks = list(client.chat.completions.create(messages=[ASKED], stream=True, **options))
    deltas = [part.function.arguments for chunk in chunks for part in chunk.choices[0].delta.tool_calls or ()]
    assert (deltas, chunks[-1].choices[0].finish_reason) == (['{"city": "Lisbon"}'], "tool_calls")

    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    answer = client.chat.completions.create(messages=[ASKED, choice.message.to_dict(), result], **options)
    assert answer.choices[0].message.content == "I looked it up: sunny"


def test_the_responses_api_says_the_same(client):
    """Responses, whole and streamed, are the same words and calls under ids of their own."""
    options = {"model": "gpt-4.1", "instructions": "Be kind.", "input": HISTORY[1:]}
    whole = client.responses.create(**options)
    events = list(client.responses.create(**options, stream=True))
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert (whole.output_text, said, events[-1].response.output_text) == ("Your name is Ana.",) * 3
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (13, 5)
    assert whole.id != events[-1].response.id

    tools = [{"type": "function", **WEATHER}]
    [call] = client.responses.create(model="gpt-4.1", input="Lisbon", tools=tools).output
    assert (call.type, call.name, call.arguments) == ("function_call", "weather", '{"city": "Lisbon"}')
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    answer = client.responses.create(model="gpt-4.1", input=[ASKED, call.to_dict(), result], tools=tools)
    assert answer.output_text == "I looked it up: sunny"
