"""A catalogue of objects and one of surfaces come in. Whole data sets go out: users, splits,
videos, annotations and the plan of who has which object. Nothing but the command line imports it.
"""
