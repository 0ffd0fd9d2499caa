"""`make bench`: print the benchmarks that need no clips of one's own and no half hour."""

from argparse import ArgumentParser

from tests.benchmarks.adaptation import (
    adapt_against_the_backbone,
    exported_against_the_backbone,
    one_more_against_anew,
    scaling,
)
from tests.benchmarks.device import device_against_a_bare_loop
from tests.benchmarks.hints import hints_after_their_pictures
from tests.benchmarks.live import live_against_an_instant_answer
from tests.benchmarks.reading import reading_against_opencv

if __name__ == "__main__":
    ArgumentParser(prog="python -m tests.benchmarks", description=__doc__).parse_args()
    reading_against_opencv()
    adapt_against_the_backbone()
    one_more_against_anew()
    exported_against_the_backbone()
    scaling()
    live_against_an_instant_answer()
    device_against_a_bare_loop()
    hints_after_their_pictures()
