"""What a personaliser learns after its training: what clutter does, and how sure it is.

Its folder and people or episodes come in. clutter.f32 (`model.head`) and calibration.json
(`model.confidence.unknown`) go out, into the folder. Never imports the training loop, export or
synthetic.
"""
