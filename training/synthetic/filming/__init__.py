"""Meshes and photos of rooms come in. Clips go out, and views of a mesh from all sides, as a person
with a telephone would film them. Imports `geometry` and `rendering`, never `dataset`.
"""
