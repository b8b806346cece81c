"""Endpoints in a module whose annotations are text, below our decorators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel

import langwatch_otel as langwatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

router = APIRouter()


class Question(BaseModel):
    thread_id: str
    text: str


class Secret:
    """What a dependency gives: nobody's to record."""


def secret() -> Secret:
    return Secret()


@router.post("/answer")
@langwatch.trace(name="answer", thread_id=langwatch.arg("question.thread_id"), capture_input=True)
async def answer(question: Question, request: Request, hidden: Annotated[Secret, Depends(secret)]) -> dict[str, str]:
    """Answer one question."""
    return {"text": question.text, "path": request.url.path, "hidden": type(hidden).__name__}


@router.post("/sync")
@langwatch.trace(name="sync", thread_id=langwatch.arg("request.headers.x-thread"), capture_input=True)
def sync(question: Question, request: Request, many: int = 1) -> str:
    """Answer in a worker thread."""
    return question.text * many


async def numbers(hidden: Annotated[Secret, Depends(secret)], unknown: AsyncIterator[int]) -> int:
    """Has an annotation that exists for type checkers only."""
    return 1


@router.get("/missing/{status}")
@langwatch.trace(name="missing")
def missing(status: int) -> None:
    """Answer with a status."""
    raise HTTPException(status, "sorry")
