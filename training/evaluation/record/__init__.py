"""Every benchmark's answers come in and one kind of file goes out, record.json: what was asked, who
answered, each score, the cost. Cost is counted from outside the model. Knows no benchmark and no
method.
"""
