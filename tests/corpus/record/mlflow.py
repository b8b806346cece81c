"""MLflow: `@mlflow.trace`, `mlflow.openai.autolog`, session and user of the trace."""

import mlflow
from openai import OpenAI
from script import METADATA, SAID, THREAD, USER, Chat, weather

mlflow.openai.autolog()
chat = Chat(OpenAI(max_retries=0), weather=mlflow.trace(weather, span_type="TOOL"))


@mlflow.trace(name="turn")
def turn(said):
    return chat.turn(said)


for each in SAID:
    with mlflow.tracing.context(session_id=THREAD, user=USER, metadata=METADATA):
        turn(each)
mlflow.flush_trace_async_logging()
