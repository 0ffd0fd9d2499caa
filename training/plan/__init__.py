"""A plan: commands of this package in their order, each of which makes one thing. What is made is
not made again; a plan that was stopped goes on. The recipe and the comparison are plans.
"""
