"""Names and looks of initialisers and data sets, and what the figures draw alike."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from spikeinit.datasets.catalogue import CATALOGUE
from spikeinit.drawing import figure_style as style
from spikeinit.drawing.looks import COLORS, VERMILION, dataset_name, look_of, looks_of
from spikeinit.initializers.registry import MODULES
from spikeinit.jobs.anns import DATA_DRIVEN

DECLARED = (*MODULES, DATA_DRIVEN)
OWN = tuple(f"my_law_{number}" for number in range(40))


def test_every_initialiser_of_the_package_has_a_name_of_its_own():
    names = [look.name for look in looks_of(DECLARED).values()]
    assert len(set(names)) == len(DECLARED)
    assert not set(names) & (set(DECLARED) - {"normal"})


def test_no_two_initialisers_of_the_package_look_the_same():
    for one, other in itertools.combinations(looks_of(DECLARED).values(), 2):
        assert (one.color, one.line) != (other.color, other.line)
        assert (one.color, one.marker) != (other.color, other.marker)


def test_a_users_own_initialiser_keeps_its_name_and_looks_like_none_of_the_package():
    declared = looks_of(DECLARED).values()
    for name in OWN:
        look = look_of(name)
        assert look.name == name
        assert (look.color, look.line) not in {(known.color, known.line) for known in declared}
        assert (look.color, look.marker) not in {(known.color, known.marker) for known in declared}


def test_users_own_initialisers_are_spread_over_colours_and_lines():
    drawn = [look_of(name) for name in OWN]
    assert {look.color for look in drawn} == set(COLORS[:-1])
    assert len({look.line for look in drawn}) == 3


def test_a_look_does_not_depend_on_who_stands_beside():
    alone, among = looks_of(["mine"]), looks_of(["other", "he", "mine", "wu2018", "he"])
    assert alone["mine"] == among["mine"]
    assert among["he"] == look_of("he")
    assert look_of("he").color == VERMILION
    assert list(among) == ["he", "wu2018", "other", "mine"]


def test_a_look_is_the_same_in_every_process():
    code = "from spikeinit.drawing.looks import look_of; print(look_of('mine'))"
    for seed in ("1", "2"):
        environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed}
        result = subprocess.run(
            [sys.executable, "-c", code], check=True, env=environment, capture_output=True, text=True
        )
        assert result.stdout.strip() == str(look_of("mine"))


def test_names_need_no_drawing():
    code = "import sys, spikeinit.drawing.looks; assert not {'matplotlib', 'pandas', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_every_data_set_of_the_catalogue_has_a_readable_name():
    assert all("_" not in dataset_name(name) for name in CATALOGUE)
    assert len({dataset_name(name) for name in CATALOGUE}) == len(CATALOGUE)
    assert (dataset_name("fashion_mnist"), dataset_name("my_images")) == ("Fashion-MNIST", "my_images")


@pytest.mark.parametrize(
    ("floor", "shown", "low", "high"),
    [(None, [2.0, 1.0, 4.0], [1.0, -1.0, 3.5], [3.0, 3.0, 4.5]), (1.5, [2.0, np.nan, 4.0], [1.5, 3.5], [3.0, 4.5])],
)
def test_a_band_goes_from_low_to_high_and_ends_at_the_floor(floor, shown, low, high):
    axes = Figure().subplots()
    bounds = ([1.0, -1.0, 3.5], [3.0, 3.0, 4.5])
    line = style.mean_and_band(axes, [0, 1, 2], [2.0, 1.0, 4.0], *bounds, floor=floor, color="red")
    np.testing.assert_array_equal(line.get_ydata(), shown)
    corners = {tuple(corner) for path in axes.collections[0].get_paths() for corner in path.vertices}
    places = [0, 1, 2] if floor is None else [0, 2]
    assert corners == {*zip(places, low, strict=True), *zip(places, high, strict=True)}


def test_series_stand_side_by_side():
    assert style.side_by_side(3, 0.6) == pytest.approx([-0.2, 0.0, 0.2])
    assert style.side_by_side(1, 0.6) == pytest.approx([0.0])
