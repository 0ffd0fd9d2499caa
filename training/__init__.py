"""Meta-training, evaluation and export. Imports `model`, never `app`."""

import os

# A thread that waits for the other must not spin: beside another process that doubles the time of a
# step. OpenMP reads this when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
