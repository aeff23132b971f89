"""Test a study's hypotheses: table of runs in, statistics.csv and anova.csv out.

The specification: {"comparisons": [{"name", "factor", "a", "b", "alternative", "measures", "where"}, ...],
"anova": {"factors": [a, b], "where": {...}}, and every field of `statistics.hypotheses.Options`}.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd

from spikeinit.errors import UserError, run_stage
from spikeinit.io import write_csv
from spikeinit.statistics import hypotheses, variance
from spikeinit.statistics.comparisons import Comparison


def main() -> None:
    """Parse the command line, compute, write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spec", required=True, type=json.loads, help="canonical JSON")
    parser.add_argument("--table", required=True, type=Path, help="spikes_by_run.csv")
    parser.add_argument("--statistics", required=True, type=Path)
    parser.add_argument("--anova", required=True, type=Path)
    arguments = parser.parse_args()
    spec = arguments.spec
    options = hypotheses.Options.from_spec(spec)
    comparisons = [Comparison.from_spec(comparison) for comparison in spec["comparisons"]]
    table = read_runs(arguments.table)
    statistics = hypotheses.compare(table, comparisons, options)
    analysis = variance.analyse_variance(table, spec["anova"]["factors"], spec["anova"]["where"], options)
    write_csv(arguments.statistics, statistics.to_dict("records"), hypotheses.COLUMNS)
    write_csv(arguments.anova, analysis.to_dict("records"), variance.COLUMNS)


def read_runs(path: Path) -> pd.DataFrame:
    """The table of runs; `UserError` when it is missing or no CSV table."""
    try:
        return pd.read_csv(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UserError(f"{path}: not a CSV table ({error})") from None


if __name__ == "__main__":
    run_stage(main)
