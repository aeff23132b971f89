"""Names of what the propagation study writes, for the workflow's planner: no pandas, no matplotlib."""

from __future__ import annotations

TABLES = (
    "survival",
    "accuracy",
    "iterations_to_accuracy",
    "robustness",
    "signals",
    "signals_over_steps",
    "curves",
    "progress",
)
"""tables/<name>.csv"""

LONG_TABLES = ("signals", "signals_over_steps", "curves", "progress")
"""Too long to read: CSV only. Every other table also comes as tables/<name>.html for the report."""

FIGURES = (
    "variance_by_threshold",
    "initializers_one_step",
    "finite_size",
    "layers_and_steps",
    "initializers_over_time",
    "high_decay",
    "gradients",
    "training_accuracy",
    "test_accuracy",
    "iterations_to_accuracy",
    "robustness",
)
"""figures/<name>.svg and figures/<name>.png"""

PUBLISHED = ("micheli2024_claims.csv",)
"""workflow/published/<name>: the paper's claims; it prints no numbers"""

EXTRA: tuple[str, ...] = ()
"""No final files beside tables, figures and scorecard."""
