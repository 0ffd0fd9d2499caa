"""The paper's comparison as one command: every method is trained alike. All are asked the same
tasks, by both protocols of ORBIT; a report says what was found. `--help` has the options.
"""
