"""A checkpoint or a configuration comes in. Measurements of the method itself go out: printed
numbers, and the plots that show them. Nothing outside this folder may import it.
"""
