"""Fast convolution, pooling and ReLU behind plain Flax layers.

No network is defined here.
"""
