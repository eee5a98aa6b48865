"""Lessons to run: `python -m demos` lists them, `python -m demos.NAME` runs one.

A demo is a module with a `main(arguments)`. The first line of its docstring is
what the list says of it. `PICTURE` names the picture that the README's gallery
shows, of those that it writes into `--out`, and `CHINESE` is the line that
stands beside it in the Chinese README.
"""
