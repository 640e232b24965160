"""Studies of the paper: the ablations and the visual Turing test.

The main tables of results belong to `evaluation`.
"""
