"""The programs of ``hasten demo``: pieces of real work, each in plain Python and in the ways that make it faster.

Every file of this folder that is named in `PROGRAMS` is one program. Its kernels stand at the top as plain functions,
and read as examples of what Hasten compiles; below them, ``prepare`` says what is measured.
"""

PROGRAMS = (
    "sum_by_loops",
    "sleeping_tasks",
    "computing_tasks",
    "fibonacci",
    "difference",
    "mandelbrot",
    "photograph",
    "distances",
    "count_words",
    "small_tasks",
    "frames",
)
