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
    with ModelServer() as model, openai.OpenAI(base_url=model.base_url, api_key="none") as client:
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
