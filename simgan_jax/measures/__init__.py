"""Numbers about images and estimates: realism, label shift, errors.

Tables and figures are made of them elsewhere.
"""
