"""Benchmarks: run them as modules, `python -m benchmarks.round_time`."""
