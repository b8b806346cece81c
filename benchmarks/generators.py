"""What one step of a decorated generator costs, as a share of starting and ending a bare span."""

from opentelemetry.sdk.trace import TracerProvider
from rounds import fastest, show

import langwatch_otel as langwatch

STEPS = 300


def plain():
    while True:
        yield "chunk"


async def later():
    while True:
        yield "chunk"


def steps(function):
    """A case of `STEPS` steps."""
    step = function().__next__
    step()

    def case():
        for _ in range(STEPS):
            step()

    return case


def async_steps(function):
    """A case of `STEPS` steps, driven as an event loop does it, without the loop's own price."""
    generator = function()

    def case():
        for _ in range(STEPS):
            try:  # noqa: SIM105 - what it costs counts here.
                generator.__anext__().send(None)
            except StopIteration:
                pass

    case()
    return case


def spans(provider):
    """A case of `STEPS` spans, started and ended."""
    tracer = provider.get_tracer("the application")

    def case():
        for _ in range(STEPS):
            tracer.start_span("span").end()

    return case


def main() -> None:
    """Print the share of a sync and of an async step, of each decorator."""
    provider = TracerProvider(shutdown_on_exit=False)
    cases = {"span": spans(provider), "plain": steps(plain), "async plain": async_steps(later)}
    decorators = {
        "trace": langwatch.trace(tracer_provider=provider),
        "span": langwatch.span(tracer_provider=provider),
        "conversation": langwatch.conversation(thread_id="t"),
    }
    for name, decorator in decorators.items():
        cases[f"@{name}"] = steps(decorator(plain))
        cases[f"async @{name}"] = async_steps(decorator(later))
    best = {name: found / STEPS for name, found in fastest(cases, rounds=100, calls=3).items()}
    for name in decorators:
        for kind, target in (("", 0.10), ("async ", 0.15)):
            added = best[f"{kind}@{name}"] - best[f"{kind}plain"]
            detail = f"{added:.3f} us more than plain, span {best['span']:.2f} us"
            show(f"{kind}@{name}: a step / a bare span", added / best["span"], target, detail)


if __name__ == "__main__":
    main()
