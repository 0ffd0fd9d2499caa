"""Archives of scanned objects and furniture come in. Textured triangle meshes go out, in metres,
and the hand that holds one. Imports none of the other folders here: no camera, no light, no OpenGL.
"""
