"""What importing the package costs over importing OpenTelemetry's tracing API, in fresh processes.

Run: python benchmarks/imports.py
"""

import os
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
    # What pip compiles as it installs: without it the first round would be the only one that is as for users.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(ROUNDS):
        run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=env)
        milliseconds, sdk = run.stdout.split()
        found.append(float(milliseconds))
    print(f"import over opentelemetry.trace: {min(found):.1f} ms (target 30), opentelemetry.sdk loaded: {sdk}")


if __name__ == "__main__":
    main()
