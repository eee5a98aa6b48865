"""Programs written for micrograd, each a file that sets `result`: what it computes.

They import micrograd alone, and run with PyPI's and with this one.
"""
