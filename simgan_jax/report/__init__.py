"""What people look at: pages, charts, tables, sheets, files of metrics.

Code that measures images or errors belongs to `measures` and `evaluation`.
"""
