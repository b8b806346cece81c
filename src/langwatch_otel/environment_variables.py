"""The environment variables of the settings; `opentelemetry-instrument` makes a flag of each: `--langwatch_backfill`.

It reads the names of this module that begin with `OTEL_`.
"""

from .config import ENV_PREFIX, SETTINGS

globals().update({ENV_PREFIX + setting.upper(): ENV_PREFIX + setting.upper() for setting in SETTINGS})
