"""Where torch is not installed, the tests of what is trained are not collected; all others run.

Torch has one thread in tests and in what they start: of two, each waits busily for the other, and
on cores that other tests use as well a pass then takes sixteen times as long.
"""

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
trained = find_spec("torch") is not None
collect_ignore = [] if trained else ["training"]
collect_ignore_glob = [] if trained else ["model/test_nn_*"]


@pytest.fixture(autouse=True)
def in_turn_with_others() -> Iterator[None]:
    """An encoder of AV1 gives the process of a privileged user the highest priority of real time;
    kept, it would starve the tests that run beside it.
    """
    yield
    if hasattr(os, "sched_setscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
