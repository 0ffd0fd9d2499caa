"""`make bench`: print every benchmark."""

from tests.benchmarks.adaptation import (
    adapt_against_the_backbone,
    exported_against_the_backbone,
    scaling,
)

if __name__ == "__main__":
    adapt_against_the_backbone()
    exported_against_the_backbone()
    scaling()
