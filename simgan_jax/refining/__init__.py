"""Writing a refined data set, and exporting the refiner as a program.

Training and measuring happen elsewhere.
"""
