"""Spans that have ended, or end meanwhile, and a name that comes."""

import threading
from contextlib import nullcontext

import pytest
from opentelemetry.trace import set_span_in_context

import langwatch_otel as langwatch


@pytest.mark.parametrize("ends", ["before its child starts", "while its child is open"])
def test_a_late_name_climbs_past_a_parent_that_ended(traced_without_backfill, ends):
    """What is above an ended parent, and open, gets the name of a conversation below it."""
    traced = traced_without_backfill
    with traced.span("root"):
        parent = traced.tracer.start_span("parent")
        context = set_span_in_context(parent)
        if ends == "before its child starts":
            parent.end()
        with traced.span("child", context=context), langwatch.conversation():
            if ends == "while its child is open":
                parent.end()
            langwatch.set_conversation(thread_id="t")
    assert traced.threads() == {"root": "t", "parent": None, "child": "t"}


def after(end, change):
    """Return `change` as it is when another thread ends the span just before."""

    def end_then_change(*arguments):
        thread = threading.Thread(target=end)
        thread.start()
        thread.join()
        change(*arguments)

    return end_then_change


@pytest.mark.parametrize("before", [{}, {"user_id": "u"}], ids=["nothing", "a user"])
@pytest.mark.parametrize("where", ["here", "above"])
def test_a_span_that_ends_while_it_is_being_named_is_named_at_export(traced, where, before):
    """A span that another thread ends in the middle of a late name's stamping has that name all the same."""
    with traced.span("root"):
        langwatch.set_conversation(**before)
        raced = traced.tracer.start_span("raced")
        raced.set_attribute = after(raced.end, raced.set_attribute)
        raced.set_attributes = after(raced.end, raced.set_attributes)
        context = set_span_in_context(raced) if where == "above" else None
        with traced.span("below", context=context), langwatch.conversation() if context else nullcontext():
            langwatch.set_conversation(thread_id="t", user_id="u", customer_id="c")
    ids = {"session.id": "t", "user.id": "u", "langwatch.customer.id": "c"}
    assert traced.spans() == dict.fromkeys(("root", "raced", "below"), ids)
