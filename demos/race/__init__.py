"""How fast is it? The engine beside other scalar engines, in one run and in turn.

    python -m demos.benchmark --micrograd DIR [--rounds N] [--quick] [--only WORKLOAD ...]

It installs nothing, and leaves out what is not there. Every contestant is a
process of its own: PyPI's micrograd has the import name that we have, and the
garbage collector is one for the whole process. The workers run in turn, a round
each; so whatever else the machine does hits all alike, and each ratio is of two
times from one round. No time counts before a contestant has come up with the
loss and the gradient that NumPy finds with matrices.

    workloads.py   what is measured, on which numbers, and what must come out
    programs.py    the programs, and the engines that they run on
    worker.py      one contestant's process: answers requests, a JSON line each
    workers.py     the workers' end in the process that commands them
    report.py      medians, ratios, and whether they reach the targets
    ../benchmark.py  the command, and the rounds
"""
