"""Where torch is not installed, the tests of what is trained are not collected; all others run."""

from importlib.util import find_spec

trained = find_spec("torch") is not None
collect_ignore = [] if trained else ["training"]
collect_ignore_glob = [] if trained else ["model/test_nn_*"]
