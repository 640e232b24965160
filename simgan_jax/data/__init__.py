"""Data sources (TFDS builders) and the tf.data pipeline.

Importing this package is cheap; `sources` imports tensorflow, `pipeline` uses
it where it is installed, `arrays` does without.
"""

import os

# TensorFlow reads these on import; its greetings would bury our one sentence.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
