"""Data sources (TFDS builders) and the tf.data pipeline.

Importing this package is cheap; `sources` and `pipeline` import tensorflow.
"""

import os

# TensorFlow reads it once, on import: its greetings would hide ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
