"""Folders of frames come in, and a command line that says what to train on. Checkpoints and
personaliser folders go out: `settings` -> `episodes` -> the loop and LITE here -> `export`,
`evaluation`, `experiments`. Imports `model`, never `app`.
"""

import os

# A thread that waits for the other must not spin: beside another process that doubles the time of a
# step. OpenMP reads this when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
