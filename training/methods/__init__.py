"""Batches of frames and a task's FiLM come in. Embeddings, features and logits go out, of other
meta-learners that the same LITE step trains (`training.lite.Method`); none of them is shipped.
Imports only `model.nn`.
"""
