"""Episodes that one FiLM cannot serve at once: photos, fonts and other folders of pictures come in.

Characters and fonts, textures, things told apart by one property, and other cameras go out, as
sources of episodes; `sources` names them all, `mixture` has the stream of a training, these and
others. Never imports the training loop or synthetic.
"""
