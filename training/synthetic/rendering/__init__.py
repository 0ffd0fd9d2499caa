"""Meshes, lights, a camera and a lens come in. Linear or sRGB images go out, drawn by OpenGL.
Imports `geometry` alone: it knows no clip and no data set.
"""
