"""How much refining lowers the error of an estimator on real images.

The numbers come from measures/, the tables and figures from report/.
"""
