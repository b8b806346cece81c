"""What importing the package costs over importing OpenTelemetry's tracing API, in fresh processes.

Run: python benchmarks/imports.py
"""

import subprocess
import sys

PROGRAM = """
import sys, time
import opentelemetry.trace
began = time.perf_counter()
import langwatch_otel
print((time.perf_counter() - began) * 1000, any(name.startswith("opentelemetry.sdk") for name in sys.modules))
"""
ROUNDS = 15


def main() -> None:
    found = []
    for _ in range(ROUNDS):
        run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
        milliseconds, sdk = run.stdout.split()
        found.append(float(milliseconds))
    print(f"import over opentelemetry.trace: {min(found):.1f} ms (target 30), opentelemetry.sdk loaded: {sdk}")


if __name__ == "__main__":
    main()
