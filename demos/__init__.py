"""Lessons to run: `python -m demos.NAME`."""
