"""How fast is it? The engine beside other scalar engines, `vectorize` beside array libraries.

    python -m demos.benchmark --micrograd DIR [--rounds N] [--quick] [--only WORKLOAD ...]
    python -m demos.benchmark --against DIR [...]

It installs nothing, and leaves out what is not there. Every contestant is a
process of its own: PyPI's micrograd has the import name that we have, and the
garbage collector and the number of threads are one for the whole process. The
workers run in turn, a round each; so whatever else the machine does hits all
alike, and each ratio is of two times from one round. No time counts before a
contestant has come up with the loss and the gradient that NumPy finds with
matrices.

With --against the same contestants of another checkout run in it, each next to
ours and first in every other round: the median of the rounds' ratios, and an
interval for it, say whether ours have become slower. On a busy machine many
short rounds tell more than few long ones: --quick --rounds 60. Two processes
that run the same differ by 1 to 3 % in all rounds alike: what is slower by a
few percent only has to be so in a second run.

    workloads.py    what is measured, on which numbers, and what must come out
    programs.py     the programs, scalar by scalar, and the engines that they run on
    minibatch.py    the programs with arrays, and the libraries that they run on
    transformer.py  a transformer of single Values, vectorised, and with matrices
    recording.py    how long it takes to record a graph and to vectorise it
    worker.py       one contestant's process: answers requests, a JSON line each
    workers.py      the workers' end in the process that commands them
    against.py      another checkout, and whether ours is slower
    rounds.py       the check, and the turns
    scalars.py      the rounds of the engine
    arrays.py       the rounds of `vectorize`
    report.py       medians, ratios, and whether they reach the targets
    conftest.py     for their tests: contestants in the process that commands them
    ../../demos/benchmark.py   the command
"""
