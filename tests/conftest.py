"""Where torch is not installed, the tests of what is trained are not collected; all others run."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["training/*", "model/test_nn_*"]
