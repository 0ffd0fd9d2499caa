"""What a model knows of its own limits.

Whether a frame shows none of the things, what a person said is none of them, and how good the model
will be.
"""
