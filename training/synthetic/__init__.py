"""Clips and object views rendered from scanned meshes, so that anyone can make training data.

`views` (objects on transparent ground), `orbit` (a data set in ORBIT's layout) and `samples` (the
clips in assets/samples) are the three things it writes; `python -m training.synthetic --help`.
Nothing here is imported by the model or the app.
"""
