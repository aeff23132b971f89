"""What to run: configuration, specs and grids. Nothing here imports torch, pandas or mlflow, so planning is instant.

>>> from spikeinit.plan import load_config, runs
>>> config = load_config(["config.yaml"])
>>> [run.name for run in runs(config, "energy")][:2]
['mnist5k_normal_mean-0.01_low', 'mnist5k_normal_mean-0.01_medium']
"""

from spikeinit.config.configuration import Config, load_config
from spikeinit.jobs.runs import Run, runs

__all__ = ["Config", "Run", "load_config", "runs"]
