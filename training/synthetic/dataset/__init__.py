"""A catalogue of objects and one of surfaces come in. Whole data sets go out: users, splits,
videos, annotations and the plan that says whose each object is. Nothing but the command line imports it.
"""
