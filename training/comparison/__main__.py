"""The command `python -m training.comparison`."""

from training.comparison.compare import main

if __name__ == "__main__":
    main()
