"""Statistics of runs and of printed numbers: tests of hypotheses, intervals, and what rounding leaves open."""
