"""Benchmarks: ratios measured in one run, medians of at least five. `make bench` prints them all."""
