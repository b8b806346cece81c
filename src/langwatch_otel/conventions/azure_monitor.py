"""Azure Monitor's names: Application Insights maps the general conventions, but not `user.id`."""

from ..attributes import SESSION_ID
from ._convention import Convention, Limit, Reads, Write

CONVENTION = Convention(
    "azure_monitor",
    "Azure Monitor, Application Insights",
    evidence=(
        "Azure/azure-sdk-for-python: sdk/monitor/azure-monitor-opentelemetry-exporter/azure/monitor/opentelemetry/"
        "exporter/export/trace/_exporter.py",
        "https://github.com/microsoft/ApplicationInsights-Java/issues/1180",
    ),
    writes=(Write("thread_id", SESSION_ID), Write("user_id", "enduser.id")),
    reads=Reads(thread_id=(SESSION_ID,), user_id=("enduser.id", "enduser.pseudo.id")),
    shared_limits={SESSION_ID: Limit(64, beyond="cut")},
    notes=("Longer threads are cut on its side, and two may become one: `max_id_length=64` keeps them apart.",),
)
