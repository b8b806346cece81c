"""The chatbot that the demonstration talks to: a LangWatch SDK program with its import line changed."""

from collections import defaultdict

from fastapi import FastAPI
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel

import langwatch_otel as langwatch


class ChatRequest(BaseModel):
    """One thing that a user says."""

    thread_id: str
    user_id: str
    message: str


def build_app(client: OpenAI) -> FastAPI:
    """Return a chatbot that asks `client` and remembers each thread."""
    app = FastAPI()
    histories: defaultdict[str, list[ChatCompletionMessageParam]] = defaultdict(list)

    @app.post("/chat")
    @langwatch.trace()
    async def chat(request: ChatRequest) -> dict[str, str | None]:
        langwatch.get_current_trace().update(metadata={"thread_id": request.thread_id, "user_id": request.user_id})
        history = histories[request.thread_id]
        history.append({"role": "user", "content": request.message})
        response = client.chat.completions.create(model="gpt-4.1", messages=history)
        reply = response.choices[0].message.content
        history.append({"role": "assistant", "content": reply})
        return {"reply": reply}

    return app
