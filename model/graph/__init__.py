"""What an Adapted file computes, as ONNX: crop, folded backbone, head, unknown score and place.

Each file holds the text of its nodes beside the numbers they use; `join` makes one model of them.
The same mathematics in numpy is in `model.head` and `model.confidence.unknown`.
"""
