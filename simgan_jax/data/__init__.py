"""Where images come from: sources, their prepared copies, and batches.

`inputs` is the way in: it turns the settings of a run into images. Each source
has a module and a `source.Source` of its own. `cache` keeps what a source reads
in TFDS, and is the only one of these that imports tensorflow. What is done to
images during training belongs to training/.
"""

import os

# TensorFlow reads these on import; without them it prints a page of greetings.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '0')
