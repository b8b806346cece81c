"""What handles do beyond naming: children, metrics bit by bit, contexts."""

import json
import threading

from opentelemetry import trace

import langwatch_otel as langwatch
from _recorder import recording


def test_a_handle_makes_children_in_a_thread_that_has_no_span():
    """span() of a handle that went to another thread makes a child of the turn, in its conversation."""
    with recording() as recorder:
        with langwatch.trace(name="turn", thread_id="t1") as turn:

            def work():
                with turn.span(name="below the turn"), langwatch.get_current_span().span(name="below that"):
                    pass

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        lowest, lower, upper = recorder.spans
        assert (lowest.parent.span_id, lower.parent.span_id) == (lower.context.span_id, upper.context.span_id)
        assert {each["session.id"] for each in recorder.by_name.values()} == {"t1"}


def test_a_handle_makes_children_of_the_current_span():
    """span() of a handle stands below the span that is current in its trace, as langwatch.span() does."""
    with recording() as recorder:
        with langwatch.trace(name="turn") as turn, langwatch.span(name="middle"), turn.span(name="inner"):
            pass
        inner, middle, _ = recorder.spans
        assert inner.parent.span_id == middle.context.span_id


def test_metrics_and_params_are_merged():
    """Metrics given bit by bit are all there, and the tokens are also where every backend looks."""
    with recording() as recorder:
        with langwatch.span(name="call", params={"temperature": 0}) as span:
            span.update(metrics={"prompt_tokens": 3}, params={"stream": True})
            span.end(metrics={"completion_tokens": 4})
        found = recorder.by_name["call"]
    assert json.loads(found["langwatch.metrics"]) == {"prompt_tokens": 3, "completion_tokens": 4}
    assert json.loads(found["langwatch.params"]) == {"temperature": 0, "stream": True}
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.output_tokens"]) == (3, 4)


def test_contexts_are_content():
    """What was retrieved is recorded as LangWatch reads it, and not at all where content is off."""
    for content, expected in ((True, '[{"content": "a page"}, {"content": "b"}]'), (False, None)):
        with recording(settings={"capture_content": content}) as recorder:
            with langwatch.span(name="search", type="rag") as span:
                span.update(contexts=["a page", {"content": "b"}])
            assert recorder.by_name["search"].get("langwatch.rag_contexts") == expected


def test_nothing_is_copied_or_found_by_accident():
    """A handle where nothing traces reads as nothing, makes spans that do nothing, and never raises."""
    with recording():
        span, turn = langwatch.get_current_span(), langwatch.get_current_trace()
    assert (span.name, span.type, span.kind, span.links, span.trace.trace_id) == (None,) * 5
    assert (turn.trace_id, turn.metadata, turn.disable_sending) == (None, {}, False)
    turn.send_spans()
    span.end()


def test_a_span_of_ours_has_its_type():
    """A span of ours has its type whenever it is named, and however it ends; what the application set stays."""
    with recording() as recorder:
        with langwatch.trace(name="never"):
            pass
        with langwatch.trace(name="at its start", thread_id="t"):
            pass
        with langwatch.trace(name="late") as turn:
            turn.update(thread_id="t")
        with langwatch.trace(name="said"):
            langwatch.get_current_span().set_attribute("langwatch.span.type", "agent")
        with langwatch.trace(name="said, then named") as turn:
            langwatch.get_current_span().set_attribute("langwatch.span.type", "agent")
            turn.update(thread_id="t")
        with langwatch.span(name="ended by its handle", type="tool") as span:
            span.end()
        with langwatch.span(name="read", type="tool") as span:
            assert (span.type, span.attributes["langwatch.span.type"]) == ("tool", "tool")
        with langwatch.span(name="ended past us", type="tool"):
            assert trace.get_current_span().attributes["langwatch.span.type"] == "tool"
            trace.get_current_span().end()
        found = {name: attributes["langwatch.span.type"] for name, attributes in recorder.by_name.items()}
        assert found == {
            "never": "span",
            "at its start": "span",
            "late": "span",
            "said": "agent",
            "said, then named": "agent",
            "ended by its handle": "tool",
            "read": "tool",
            "ended past us": "tool",
        }
