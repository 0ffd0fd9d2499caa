"""How sure a personaliser is. A personaliser's folder and episodes with objects left out come in.

calibration.json goes out, into the folder (`model.confidence.unknown`). Never imports the training
loop, export or synthetic.
"""
