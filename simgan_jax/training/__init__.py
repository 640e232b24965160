"""A run of train.py: its loop, checkpoints, metrics, trained refiner.

The maths is in `method`.
"""
