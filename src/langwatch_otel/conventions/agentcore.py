"""Amazon Bedrock AgentCore, and CloudWatch's GenAI pages: `session.id`, which they take from baggage as well."""

from ..attributes import SESSION_ID
from ._convention import Convention, Reads, Write

CONVENTION = Convention(
    "agentcore",
    "Amazon Bedrock AgentCore, CloudWatch GenAI",
    evidence=(
        "aws-observability/aws-otel-python-instrumentation: aws-opentelemetry-distro/src/amazon/opentelemetry/distro/"
        "aws_opentelemetry_configurator.py",
    ),
    writes=(Write("thread_id", SESSION_ID),),
    reads=Reads(thread_id=(SESSION_ID,)),
)
