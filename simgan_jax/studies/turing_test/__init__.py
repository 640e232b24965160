"""The visual Turing test: can people tell refined images from real ones?"""
