"""List the demos: `python -m demos`."""

from __future__ import annotations

from demos.catalogue import catalogue


def main() -> None:
    """Print each demo's name and the first line of its docstring."""
    demos = catalogue()
    width = max(len(demo.name) for demo in demos)
    print("python -m demos.NAME, where NAME is one of\n")
    for demo in demos:
        print(f"  {demo.name:{width}}  {demo.line}")


if __name__ == "__main__":
    main()
