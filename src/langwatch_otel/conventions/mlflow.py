"""MLflow's names, as its tracking server reads OTLP."""

from ..attributes import GEN_AI_CONVERSATION_ID, INPUT_VALUE, OUTPUT_VALUE, SESSION_ID, USER_ID
from ._convention import LOCAL_ROOT, Convention, Limit, Reads, Write

CONVENTION = Convention(
    "mlflow",
    "MLflow",
    evidence=(
        "mlflow/mlflow: mlflow/store/tracking/sqlalchemy_store.py",
        "mlflow/mlflow: mlflow/tracing/processor/uc_table.py",
    ),
    writes=(
        Write("thread_id", SESSION_ID),
        Write("user_id", USER_ID),
        # Tags are the trace's: once is enough.
        Write("metadata", "mlflow.traceTag.", LOCAL_ROOT),
        # The previews of request and response are the root's, by these names of OpenInference's.
        Write("input", INPUT_VALUE, LOCAL_ROOT),
        Write("output", OUTPUT_VALUE, LOCAL_ROOT),
    ),
    reads=Reads(
        thread_id=(SESSION_ID, GEN_AI_CONVERSATION_ID),
        user_id=(USER_ID,),
        metadata_prefixes=("mlflow.traceTag.",),
        input=("mlflow.spanInputs",),
        output=("mlflow.spanOutputs",),
    ),
    shared_limits={SESSION_ID: Limit(250, beyond="the trace is refused")},
    notes=("Values are parsed as JSON: an id that is a JSON array becomes a session of sessions.",),
)
