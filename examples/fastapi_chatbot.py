"""A chatbot on FastAPI and OpenAI whose conversations reach any OTLP backend.

pip install 'langwatch-otel[all]'
OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 uvicorn examples.fastapi_chatbot:app
"""

from collections import defaultdict

import uvicorn
from fastapi import FastAPI
from openai import OpenAI
from pydantic import BaseModel

import langwatch_otel as langwatch

langwatch.setup()

app = FastAPI()
client = OpenAI()
conversations: defaultdict[str, list] = defaultdict(list)


class ChatRequest(BaseModel):
    thread_id: str
    user_id: str
    message: str


def get_conversation_history(thread_id: str) -> list:
    return conversations[thread_id]


@app.post("/chat")
@langwatch.trace()
async def chat(request: ChatRequest):
    langwatch.get_current_trace().update(metadata={"thread_id": request.thread_id, "user_id": request.user_id})
    history = get_conversation_history(request.thread_id)
    response = client.chat.completions.create(
        model="gpt-4.1",
        messages=[*history, {"role": "user", "content": request.message}],
    )
    reply = response.choices[0].message.content
    history += [{"role": "user", "content": request.message}, {"role": "assistant", "content": reply}]
    return {"reply": reply}


if __name__ == "__main__":
    uvicorn.run(app)
