"""Studies of the paper: the ablations and the visual Turing test.

The main tables are those of `evaluation`.
"""
