"""A service of ours beside one in another language: `/begin` names a conversation and calls it, `/go-on` is called."""

import os

import httpx
from fastapi import FastAPI
from opentelemetry import trace

import langwatch_otel as langwatch

langwatch.setup(service_name="ours")
app = FastAPI(openapi_url=None)
tracer = trace.get_tracer("application")
OTHER = os.environ["OTHER"]


@app.post("/begin")
async def begin(body: dict):
    """Name the conversation, and call the other service, which calls back."""
    langwatch.set_conversation(thread_id=body["thread"], user_id=body["user"])
    async with httpx.AsyncClient() as client:
        await client.post(OTHER, json={"next": body.get("next")})


@app.post("/go-on")
async def go_on():
    """Know who it is about, without being told."""
    with tracer.start_as_current_span("answer"):
        return langwatch.get_conversation().thread_id
