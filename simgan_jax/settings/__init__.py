"""The settings of a run, their checks and the command line."""
