"""An application of its own process that sends to a Collector."""

import json
import subprocess
import sys

from _collector import ROOT
from _servers import clean_environment

LONGEST_TURN = 0.5  # A turn takes less than a millisecond; on a busy machine the scheduler takes more.


class Application:
    """collector_app.py as a process."""

    def __init__(self, seconds, endpoint, **environment):
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "collector_app.py"), str(seconds)],
            env=clean_environment(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="200", **environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self):
        """What it has to say when it has ended, and what it logged."""
        said, logged = self._process.communicate(timeout=90)
        assert self._process.returncode == 0, logged
        return json.loads(said), logged
