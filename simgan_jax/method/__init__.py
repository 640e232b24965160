"""The paper's method: networks, losses, history, steps, Algorithm 1.

Pure functions; no files, no settings, no data sets.
"""
