"""SimGAN in JAX and Flax (Shrivastava et al., CVPR 2017)."""
