"""A trained refiner as one file that needs JAX and nothing else."""
