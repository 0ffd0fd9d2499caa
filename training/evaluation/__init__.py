"""Personalisers or checkpoints come in, and a folder of data that none of them was trained on.
Tables of accuracies go out, paired with heads on the frozen backbone, with 95 % intervals. Imports
neither `synthetic` nor `episodes.composites`, and nothing that trains.
"""
