"""Devices, processes, files and pixel values.

Nothing here depends on the method or on the content of images.
"""
