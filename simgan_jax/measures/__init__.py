"""Numbers about images and estimates: realism, shift of labels, errors.

No tables, no figures: report/ makes them.
"""
