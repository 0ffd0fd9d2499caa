"""The torch side: the four parts that hold weights, and the file they are kept in.

Only `training/` imports this package; what runs on a person's machine is numpy and onnxruntime.
"""
