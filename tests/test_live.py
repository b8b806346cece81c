"""Real backends and pipelines, each in a process of its own: what is recorded of them is still so."""

import pytest

from live import measuring, peers, pipelines
from live.backends import BACKENDS
from live.environments import CannotRunError
from live.results import facts, load

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]


def run(measure, name):
    """A fresh row; not run where the machine has not what it takes."""
    try:
        return measure(name)
    except CannotRunError as reason:
        pytest.skip(f"not run: {reason}")


@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_has_the_conversations(name):
    """By its own API a backend has each thread with its turns and its user, as recorded."""
    assert facts(run(measuring.measure, name)) == facts(load()["backends"][name])


@pytest.mark.parametrize("name", pipelines.PIPELINES)
def test_a_pipeline_loses_no_id(name):
    """Every span comes through with the ids that it had, as recorded."""
    assert facts(run(pipelines.measure, name)) == facts(load()["pipelines"][name])


@pytest.mark.parametrize("name", peers.PEERS)
def test_a_way_of_naming_reaches_the_spans_that_it_did(name):
    """Each SDK's own way of naming reaches as many spans of each kind of request as is recorded; ours all of them."""
    found = run(peers.measure, name)
    assert facts(found) == facts(load()["peers"][name])
    lacking = [kind for mode in peers.MODES for kind, cell in found[mode].items() if cell[0] < cell[1]]
    assert (lacking == []) == (name == "ours")
