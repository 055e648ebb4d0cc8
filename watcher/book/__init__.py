"""A market in memory: every position's exact holding beside numpy columns, screened with a proven error interval and decided in integers.

State in, verdict out. Floats never decide: whoever they leave undecided is valued by the adapter.
"""
