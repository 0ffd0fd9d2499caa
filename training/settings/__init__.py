"""Command lines and the headers of checkpoints come in. `TrainConfig`, a run's options in groups,
and `Provenance`, what a checkpoint tells about its making, go out. Imports no other folder of
`training`.
"""
