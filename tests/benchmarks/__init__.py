"""Benchmarks: ratios from one run, medians of at least five. `make bench` prints them."""
