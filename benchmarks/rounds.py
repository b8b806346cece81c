"""Interleaved rounds: every case once a round, the minimum of all rounds, so that a drifting machine hurts none."""

import gc
import random
import time
from collections.abc import Callable, Mapping


def fastest(cases: Mapping[str, Callable[[], object]], *, rounds: int = 400, calls: int = 50) -> dict[str, float]:
    """Return the fewest microseconds that one call of each case took."""
    best = dict.fromkeys(cases, float("inf"))
    order = random.Random(1)  # Whoever always came first would always have found the caches cold.
    gc.disable()
    try:
        for number in range(rounds):
            for name, case in order.sample(list(cases.items()), len(cases)):
                for _ in range(max(1, calls // 5)):
                    case()
                began = time.perf_counter_ns()
                for _ in range(calls):
                    case()
                best[name] = min(best[name], (time.perf_counter_ns() - began) / calls / 1000)
            if number % 10 == 0:
                gc.collect()
    finally:
        gc.enable()
    return best


def show(title: str, ratio: float, target: float, detail: str) -> None:
    """Print one line: a ratio, what it should stay under, and what it is made of."""
    print(f"{title:58} {ratio:6.2f} x   (target {target:.2f})   {detail}")
