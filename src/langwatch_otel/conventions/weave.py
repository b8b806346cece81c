"""W&B Weave's names: a turn is a span that says so, and the local root stands for ours."""

from ..attributes import GEN_AI_CONVERSATION_ID
from ._convention import GENAI_SPANS, LOCAL_ROOT, TRUE, Convention, Reads, Write

CONVENTION = Convention(
    "weave",
    "W&B Weave",
    evidence=(
        "https://docs.wandb.ai/weave/guides/tracking/otel",
        "wandb/weave: weave/trace_server/opentelemetry/constants.py",
    ),
    writes=(
        Write("thread_id", "wandb.thread_id", LOCAL_ROOT),
        Write("thread_id", "wandb.is_turn", LOCAL_ROOT, TRUE),
        Write("thread_id", GEN_AI_CONVERSATION_ID, GENAI_SPANS),
    ),
    reads=Reads(thread_id=("wandb.thread_id", GEN_AI_CONVERSATION_ID)),
    notes=("`wandb.is_turn` is a bool: the text `true` is not one there.",),
)
