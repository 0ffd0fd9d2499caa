"""Files come in; frames as a person sees them go out, a few of each clip, squared for the model.

`kinds` says which files may be decoded, `video` and `picture` decode them, `sampling` chooses and
crops. `model.frames` is the contract for reading; kinds and endings may be asked of `kinds`.
Imports nothing else of `model` but its error.
"""
