"""Decoded frames come in; their names go out: as rows, as a table, drawn on a video, as stretches.

Shared by the command line and the video tab. Knows no rooms and no web, and decodes only through
`model.frames`.
"""
