"""Folders of videos, photos and rendered views come in, and the options that choose among them.
Episodes go out: small few-shot tasks of uint8 frames, numbered, the same from any number of worker
processes. Imports `settings` alone of `training`: no model, no loss, no renderer.
"""
