"""The audit of Ding et al. (2022): made-up numbers with and without contradictions, and the printed ones by hand."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from spikeinit.initializers import initialize
from spikeinit.networks.build import build
from spikeinit.randomness import stream
from spikeinit.specs import NetworkSpec, NeuronSpec
from spikeinit.studies.asymptote import audit, checks
from spikeinit.studies.claims import Claim
from spikeinit.studies.scorecard import Conditions, Evidence
from spikeinit.studies.table_tools import StudyTables
from spikeinit.tables import read_table


@pytest.fixture(scope="module")
def files(pytestconfig):
    folder = pytestconfig.rootpath / "workflow/published"
    return {path.stem: path for path in folder.glob("ding2022_*.csv")}


def printed(files):
    return {name.removeprefix("ding2022_"): read_table(path) for name, path in files.items()}


def test_figure_6_and_the_tables_disagree_in_six_cells(files):
    """By hand: the whole row of arctan, and Wu's with AdaGrad."""
    text = audit.printed_twice(printed(files))
    assert text.count(" against 0.") == 6
    assert "Wu 0.957 against 0.956" in text
    assert "Glorot 0.975 against 0.972, He 0.978 against 0.980, Wu 0.982 against 0.980" in text
    assert "Lee 0.979 against 0.976, Ding 0.987 against 0.984" in text


def test_numbers_that_agree_are_not_contradicted(files):
    found = printed(files)
    for method, table in (("optimizer", "tableA6_optimizers"), ("surrogate", "tableA7_surrogates")):
        figure = found["figure6"]
        own = figure[figure["method"] == method].rename(columns={"name": method}).drop(columns="method")
        found[table] = own
    assert audit.printed_twice(found) == ""


def test_another_outcome_is_a_contradiction(files):
    found = printed(files)
    table = found["tableA6_optimizers"]
    at = (table["k"] == 0.8) & (table["lambda"] == 0.2) & (table["optimizer"] == "sgd") & (table["initializer"] == "he")
    found["tableA6_optimizers"] = table.assign(outcome=table["outcome"].mask(at, "trained"))
    assert "sgd at (0.8, 0.2, 1), Figure 6 against Table A6: He 0.114 against" in audit.printed_twice(found)


def test_figure_6_is_complete(files):
    figure = read_table(files["ding2022_figure6"])
    assert len(figure) == 80
    assert set(figure.groupby(["k", "method", "name"]).size()) == {5}
    guessing = figure["accuracy"].isin((0.098, 0.114))
    assert set(figure[guessing]["outcome"]) == {"failed"}
    assert set(figure[~guessing]["outcome"]) == {"trained"}


def pair(wu, lee):
    outcomes = ["failed" if one is None else "trained" for one in (wu, lee)]
    frame = {"optimizer": "sgd", "initializer": ["wu", "lee"], "accuracy": [wu, lee], "outcome": outcomes}
    return audit.wu_and_lee_apart({"tableA6_optimizers": pd.DataFrame(frame)}, margin=1.0)


def test_cells_of_one_law_are_apart_beyond_the_margin_or_where_one_fails():
    assert pair(0.980, 0.985) == ""
    assert pair(None, None) == ""
    assert pair(0.926, 0.612) == "both are more than 1 apart in 1 of 1 places (sgd 92.6 against 61.2)"
    assert pair(0.310, None) == "only one of the two trains in 1 of 1 places (sgd 31 against -)"


def test_the_printed_cells_of_one_law_that_are_apart(files):
    """Counted again with plain loops: 87 places, of which Tables A6 and A7 have 64, Table 2 eight, Figure 6 eight."""
    text = audit.wu_and_lee_apart(printed(files), margin=1.0)
    places, alone, apart = 0, 0, 0
    for name, path in files.items():
        if "table" not in name and "figure6" not in name:
            continue
        frame = pd.read_csv(path)
        frame = frame[frame["k"] == 0.5] if "figure6" in name else frame
        wu, lee = (frame[frame["initializer"] == one].reset_index(drop=True) for one in ("wu", "lee"))
        column, scale = ("accuracy_percent", 1) if "accuracy_percent" in frame else ("accuracy", 100)
        places += len(wu)
        for i in range(len(wu)):
            outcomes = {wu["outcome"][i], lee["outcome"][i]}
            alone += len(outcomes) == 2
            apart += outcomes == {"trained"} and scale * abs(wu[column][i] - lee[column][i]) > 1
    assert places == 87
    assert f"only one of the two trains in {alone} of 87 places" in text
    assert f"both are more than 1 apart in {apart} of 87 places" in text
    assert "asgd at (0.2, 0.8, 1) 92.6 against 61.2" in text


def test_the_two_laws_have_the_same_deviation():
    ratios = audit.deviation_ratios()
    assert {name: len(layers) for name, layers in ratios.items()} == {
        "five_layer": 5,
        "vgg9": 9,
        "vgg9_dvs": 10,
        "vgg11": 11,
    }
    assert all(ratio == pytest.approx(1) for layers in ratios.values() for ratio in layers)


def test_drawn_weights_have_the_same_deviation():
    """An independent look: weights drawn for the five-layer network, by deviation of the sample."""
    drawn = []
    for name in ("wu2018", "lee2016"):
        network = build(
            NetworkSpec("five_layer"),
            NeuronSpec(reset="zero", learn=()),
            input_shape=(1, 28, 28),
            classes=10,
            generator=stream(0, "neurons"),
        )
        initialize(network, name, generator=torch.Generator().manual_seed(1))
        drawn.append([float(layer.weight.detach().std()) for layer in network.weighted_layers()])
    for wu, lee in zip(*drawn, strict=True):
        assert wu == pytest.approx(lee, rel=0.06)  # the first layer has 288 weights


def of_one_law(differences, outcome="trained"):
    rows = [
        {
            "k": 0.1 * i,
            "initializer": name,
            "outcome": outcome,
            "accuracy_mean": 90 + (value if name == "wu2018" else 0),
        }
        for i, value in enumerate(differences)
        for name in ("wu2018", "lee2016")
    ]
    frames = dict.fromkeys(("coding", "optimizers", "surrogates", "normalization"), pd.DataFrame(rows))
    tables = StudyTables.of(frames, {"margins": {"accuracy": 1.0}})
    evidence = Evidence(tables, pd.DataFrame(), pd.DataFrame(), {}, Conditions((), {}), 0.95)
    return checks.CHECKS["one_law"](evidence, Claim("id", "", "", ""))


def test_our_accuracies_are_laid_beside_the_law():
    assert of_one_law([0.1, -0.1, 0.2]).agrees is True
    assert of_one_law([5.0, 5.1, 4.9]).agrees is False
    assert of_one_law([5.0, -5.0, 1.0]).agrees is None
    assert "ratio 1 to 1 in 35 layers" in of_one_law([0.0, 0.1]).note


def test_places_where_both_fail_say_nothing_of_their_accuracies():
    found = of_one_law([0.0, 0.0], outcome="failed")
    assert (found.agrees, found.n) == (None, "35 layers")
