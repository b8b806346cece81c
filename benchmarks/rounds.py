"""Interleaved rounds: every case once a round, the minimum of all rounds, so that a drifting machine hurts none."""

import gc
import time
from collections.abc import Callable, Mapping


def fastest(cases: Mapping[str, Callable[[], object]], *, rounds: int = 60, calls: int = 300) -> dict[str, float]:
    """Return the fewest microseconds that one call of each case took."""
    best = dict.fromkeys(cases, float("inf"))
    gc.disable()
    try:
        for _ in range(rounds):
            for name, case in cases.items():
                began = time.perf_counter_ns()
                for _ in range(calls):
                    case()
                best[name] = min(best[name], (time.perf_counter_ns() - began) / calls / 1000)
            gc.collect()
    finally:
        gc.enable()
    return best


def show(title: str, ratio: float, target: float, detail: str) -> None:
    """Print one line: a ratio, what it should stay under, and what it is made of."""
    print(f"{title:58} {ratio:6.2f} x   (target {target:.2f})   {detail}")
