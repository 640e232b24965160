"""Devices, processes, files and pixel values.

Nothing here knows the method or what images show.
"""
