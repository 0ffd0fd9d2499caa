"""Batches of frames and a task's FiLM come in. Embeddings, features and logits go out, of other
meta-learners that the same LITE step trains (`training.lite.Method`); and support sets come in and
recognisers go out, of all methods that benchmarks compare (`learner`). None of them is shipped.
Imports only `model.nn` and a task's shape.
"""
