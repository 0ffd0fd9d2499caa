"""Scanned meshes and photos of rooms come in. Files go out: `views` (objects on transparent
ground), a data set in ORBIT's layout (`orbit`), and the clips of assets/samples (`samples`).
Imports the readers of its files in `episodes` and nothing that trains; no other folder imports it.
"""
