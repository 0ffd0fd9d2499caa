"""`make fuzz`, or `python -m tests.fuzz media --count 5000 --seed 0`: exits with 1 on a failure.

One case again: `python -m tests.fuzz media --seed 0 --only 123`.
"""

import argparse
import sys
import time

from tests.fuzz import media, models, profiles

COUNTS = {"media": 5000, "models": 600, "profiles": 5000}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("what", nargs="*", default=list(COUNTS), help="of these; all by default")
    parser.add_argument("--count", type=int, help=f"files of each (default: {COUNTS})")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the number of one case")
    options = parser.parse_args()
    failures = []
    for what in options.what:
        count, started = options.count or COUNTS[what], time.monotonic()
        run = {"media": media.run, "models": models.run, "profiles": profiles.run}[what]
        found = run(count, options.seed, options.only)
        print(f"{count} {what}, seed {options.seed}: {len(found)} failures", end="")
        print(f" ({time.monotonic() - started:.0f} s)")
        failures += found
    print(*failures, sep="\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
