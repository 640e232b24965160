"""Writing a refined data set, and exporting the refiner as a program.

Training belongs to `training`, measuring to `evaluation`.
"""
