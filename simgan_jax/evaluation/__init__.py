"""How much refining lowers the error of an estimator on real images."""
