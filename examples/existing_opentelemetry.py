"""The same chatbot in a program that has OpenTelemetry already: its provider and its exporter stay.

pip install 'langwatch-otel[all]'
OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 uvicorn examples.existing_opentelemetry:app
"""

from collections import defaultdict

import uvicorn
from fastapi import FastAPI
from openai import OpenAI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import BaseModel

import langwatch_otel as langwatch
from langwatch_otel.instrumentor import LangWatchInstrumentor

# What the program had before; new is only the wrapper around its exporter, which names
# the spans that ended before their conversation was known.
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(langwatch.ConversationSpanExporter(OTLPSpanExporter())))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()

LangWatchInstrumentor().instrument()

app = FastAPI()
client = OpenAI()
conversations: defaultdict[str, list] = defaultdict(list)


class ChatRequest(BaseModel):
    thread_id: str
    user_id: str
    message: str


@app.post("/chat")
async def chat(request: ChatRequest):
    langwatch.set_conversation(thread_id=request.thread_id, user_id=request.user_id)
    history = conversations[request.thread_id]
    response = client.chat.completions.create(
        model="gpt-4.1",
        messages=[*history, {"role": "user", "content": request.message}],
    )
    reply = response.choices[0].message.content
    history += [{"role": "user", "content": request.message}, {"role": "assistant", "content": reply}]
    return {"reply": reply}


if __name__ == "__main__":
    uvicorn.run(app)
