"""Weave: its conversations, turns and model calls, recorded by hand, on a provider of one's own."""

import weave
from openai import OpenAI
from script import MODEL, SAID, SYSTEM, THREAD, Chat, provider
from script import weather as look_up
from weave.conversation.types import Message, Usage

made = provider()


class Recorded:
    """OpenAI's client, whose calls are recorded in the turn that is open."""

    def __init__(self, client):
        self._create = client.chat.completions.create
        self.chat = self.completions = self

    def create(self, *, model, messages, **more):
        said = [Message(role=each["role"], content=each["content"] or "") for each in messages]
        with weave.start_llm(model=model, provider_name="openai") as llm:
            llm.record(input_messages=said)
            answer = self._create(model=model, messages=messages, **more)
            if not more.get("stream"):
                usage = answer.usage
                llm.output(answer.choices[0].message.content or "")
                llm.record(
                    usage=Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens),
                    response_id=answer.id,
                    response_model=answer.model,
                    finish_reasons=[answer.choices[0].finish_reason],
                )
                return answer
            chunks = list(answer)
            llm.output("".join(each.choices[0].delta.content or "" for each in chunks if each.choices))
            llm.record(response_id=chunks[0].id)
            return chunks


def weather(city):
    with weave.start_tool(name="weather", arguments=city) as tool:
        tool.result = look_up(city)
        return tool.result


chat = Chat(Recorded(OpenAI(max_retries=0)), weather=weather)
with weave.start_conversation(agent_name="guide", model=MODEL, conversation_id=THREAD, conversation_name="Kyoto"):
    for said in SAID:
        with weave.start_turn(user_message=said, system_instructions=[SYSTEM]):
            chat.turn(said)
made.shutdown()
