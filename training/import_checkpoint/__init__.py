"""A checkpoint of another program comes in: of LITE's authors (.pt) or of ORBIT's (.pth), both of
EfficientNet-B0. One of ours goes out (`model.nn.checkpoint`), with every tensor used or named as
unused: it is evaluated, exported and served as our own. Only tensors are read, never code.
"""
