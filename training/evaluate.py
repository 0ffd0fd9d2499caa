"""The command `python -m training.evaluate`; what it does is `training.evaluation.evaluate`."""

from runpy import run_module

if __name__ == "__main__":
    run_module("training.evaluation.evaluate", run_name="__main__")
