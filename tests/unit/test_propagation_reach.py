"""Which initialisers keep activity and gradients: on made-up networks whose answer is known, and drawn."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from spikeinit.drawing.figure_style import render
from spikeinit.io import write_csv
from spikeinit.simulation.rows import COLUMNS, GRADIENT_COLUMNS, REPEAT_COLUMNS
from spikeinit.studies.propagation.reach import initializer_reach
from spikeinit.studies.propagation.reach_figures import activity_and_gradients
from spikeinit.studies.table_tools import StudyRuns, StudyTables, write_table

DEPTH = 20


def study(folder, networks, *, label="initializers", timesteps=1, predicted=(1.0, 0.9)):
    """Simulations of initialisers: name -> (twice the deep variance of each network, log ratios of gradients)."""
    written = {"signals": [], "repeats": [], "gradients": []}
    for name, (deep, decades) in networks.items():
        about = {"label": label, "initializer": name, "depth": DEPTH, "width": 50, "timesteps": timesteps}
        for layer in range(1, DEPTH + 1):
            variance = predicted[0] if layer < DEPTH - 1 else predicted[1]
            written["signals"].append({**about, "layer": layer, "step": None, "predicted_variance": variance})
        for repeat, value in enumerate(deep, start=1):
            alive = DEPTH if value else 3
            found = {"first_variance": 2.0, "deep_variance": value / 2, "deep_spikes": 9.0 * value}
            written["repeats"].append({**about, "repeat": repeat, "last_active_layer": alive, **found})
        for number, value in enumerate(decades, start=1):
            row = {**about, "network": number, "current_ratio": value, "predicted_ratio": -0.25}
            written["gradients"].append(row if timesteps == 1 else {**row, "predicted_ratio": None})
    columns = {"signals": COLUMNS, "repeats": REPEAT_COLUMNS, "gradients": GRADIENT_COLUMNS}
    for table, rows in written.items():
        full = [{column: row.get(column) for column in columns[table]} for row in rows]
        write_csv(folder / label / f"{table}.csv", full, columns[table])
    plan = pd.DataFrame([{"run": label, "experiment": "simulation"}])
    return StudyRuns(plan, folder, {"confidence": 0.95})


KEEPS = ([2.0, 2.1, 1.9], [0.1, -0.1, 0.05])
FADES = ([0.1, 0.2, 0.15], [-3.0, -3.2, -2.9])
UNSURE = ([0.6, 1.4, 1.0], [-0.5, -1.5, -1.0])


def test_what_is_kept_by_intervals(tmp_path):
    table = initializer_reach(study(tmp_path, {"a": KEEPS, "b": FADES, "c": UNSURE})).set_index("initializer")
    assert table["keeps_activity"].tolist() == ["yes", "no", "open"]
    assert table["keeps_gradients"].tolist() == ["yes", "no", "open"]
    low, high = stats.t.interval(0.95, 2, loc=1.0, scale=0.05 / math.sqrt(3))
    assert table.loc["a", ["deep_variance_low", "deep_variance_high"]].tolist() == pytest.approx([low, high])
    assert table.loc["b", "gradient_decades_mean"] == pytest.approx(np.mean(FADES[1]))
    assert table.loc["a", "spikes_mean"] == pytest.approx(18)
    # the last two of 20 layers are the deep ones
    assert table["predicted_deep_variance"].unique() == pytest.approx([0.9])
    assert table["predicted_gradient_decades"].unique() == pytest.approx([-0.25])


def test_networks_that_die_keep_nothing_and_vanished_gradients_are_not_left_out(tmp_path):
    networks = {"dead": ([0.0] * 4, [None, None]), "half": ([2.0, 2.0, 0.0, 0.0], [0.1, 0.1, None])}
    networks["unfollowed"] = (KEEPS[0], [])
    table = initializer_reach(study(tmp_path, networks)).set_index("initializer")
    assert table["keeps_activity"].tolist() == ["no", "open", "yes"]
    assert table["keeps_gradients"].tolist() == ["no", "open", "open"]
    assert table["alive_mean"].tolist() == [0.0, 0.5, 1.0]
    assert table["gradient_networks"].tolist() == [0, 2, 0]


def test_mean_field_says_nothing_of_many_steps_and_all_of_it_can_be_drawn(tmp_path):
    once = initializer_reach(study(tmp_path, {"he": FADES, "micheli2024": KEEPS, "mine": UNSURE}))
    many = initializer_reach(
        study(tmp_path, {"he": ([0.0] * 3, [None]), "mine": KEEPS}, label="time_steps", timesteps=5)
    )
    assert many[["predicted_deep_variance", "predicted_gradient_decades"]].isna().all(axis=None)
    write_table(tmp_path / "initializer_reach.csv", pd.concat([once, many], ignore_index=True))
    svg, png = render(activity_and_gradients, tmp_path, "reach", StudyTables(tmp_path, {}))
    assert png.stat().st_size > 10_000
    for text in ("He 2015", "Micheli 2024", "mine", "5 steps", "mean field, one step"):
        assert text in svg.read_text()
