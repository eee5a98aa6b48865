"""List the demos, `python -m demos`, or run one, `python -m demos NAME`."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence

from demos.catalogue import TOOLS, Demo, catalogue


def listing(demos: Sequence[Demo]) -> str:
    """Each demo's name and the first line of its docstring, the lessons first."""
    width = max(len(demo.name) for demo in demos)
    lines = {demo.name: f"  {demo.name:{width}}  {demo.line}" for demo in demos}
    return "\n".join(
        [
            "python -m demos.NAME, where NAME is one of\n",
            *(line for name, line in lines.items() if name not in TOOLS),
            "\nor a tool for work on the project (gallery rewrites its READMEs and pictures)\n",
            *(lines[name] for name in TOOLS),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the list, or run the demo that is named.

    Arguments:
        arguments: of the command line: a name, and what that demo is given.
    """
    demos = catalogue()
    command = argparse.ArgumentParser(
        prog="python -m demos",
        description=listing(demos),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "name", nargs="?", choices=[d.name for d in demos], metavar="NAME", help="a demo to run"
    )
    command.add_argument("options", nargs=argparse.REMAINDER, help="of that demo")
    asked = command.parse_args(arguments)
    if asked.name is None:
        print(listing(demos))
        return
    sys.argv[1:] = asked.options
    runpy.run_module(f"demos.{asked.name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
