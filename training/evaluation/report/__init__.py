"""Records of runs come in (`training.evaluation.record`). One page goes out, and a Markdown twin:
tables, paired differences, accuracy against cost. Runs nothing and measures nothing.
"""
