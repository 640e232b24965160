"""What people look at: pages, tables, curves, sheets, metrics files.

Images are measured elsewhere.
"""
