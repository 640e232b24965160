"""The settings of a run, their checks, and the command line.

No work is done here.
"""
