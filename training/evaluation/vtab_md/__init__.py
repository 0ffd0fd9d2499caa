"""A folder of data sets in their own formats and a method come in. Scores on Meta-Dataset's
episodes and on VTAB's tasks go out, with what could not be read and why. Trains nothing.
"""
