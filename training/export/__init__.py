"""A checkpoint comes in (`model.nn.checkpoint`), with notes and the logs of its runs. A
personaliser folder goes out, `assets/<name>/`, which runs on onnxruntime alone. Imports neither
`episodes` nor `synthetic` nor `evaluation`.
"""
