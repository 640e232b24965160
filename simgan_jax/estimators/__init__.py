"""Estimators trained on synthetic, refined or real images."""
