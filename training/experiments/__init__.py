"""Measurements of the method itself; each prints the numbers that its plots show."""
