"""The command `python -m training.calibrate`; what it does is `training.calibration.calibrate`."""

from runpy import run_module

if __name__ == "__main__":
    run_module("training.calibration.calibrate", run_name="__main__")
