"""The refined data set: every synthetic image once, with its labels."""
