"""What Bojković et al. (2024) claim, judged by our runs: printed accuracies, energies, and sentences.

Each printed number was measured once, with one trained network of unknown spread, and so is ours: a cell "agrees"
when the two differ by less than `MARGIN` percentage points (energies: by less than a factor of `FACTOR`). Numbers that
the paper takes over from others are no claims of it and have no line. A sentence agrees when some pair of our runs
supports it and none contradicts it, beyond the chance of 95 % intervals; sentences compare runs with one another, so
smaller runs can point in their direction.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from spikeinit.studies.claims import Claim, OurResult
from spikeinit.studies.conversion.conditions import ARCHITECTURES
from spikeinit.studies.looks import dataset_name
from spikeinit.studies.scorecard import Evidence, ScorecardEntry, scorecard_entry
from spikeinit.tables import read_table

MARGIN = 1.0
FACTOR = 1.25
MILLI = 1e-3
FEW_STEPS = 8
NORMAL_QUANTILE = 1.96
CLOSE = 2.0
"""Percentage points within which accuracies are "comparable"."""

METHODS = {"Ours": "optimal", "Ours+SNM": "snm_optimal", "Opt": "opt_clipped"}


def scorecard(evidence: Evidence) -> list[ScorecardEntry]:
    """Every claim of the paper as a line of the scorecard: sentences first, then the printed cells by table."""
    return [
        *_sentences(evidence),
        *_conversions(evidence, 1, "bojkovic2024_table1_relu_conversion", "relu"),
        *_conversions(evidence, 2, "bojkovic2024_table2_truncated_relu", "clipped_relu"),
        *_calibrated(evidence),
        *_networks(evidence),
        *_energies(evidence),
    ]


def _conversions(evidence: Evidence, table: int, file: str, activation: str) -> Iterator[ScorecardEntry]:
    printed = read_table(evidence.published[file])
    ours = evidence.tables["accuracy_by_timesteps"]
    for row in printed[printed["method"].isin(METHODS)].to_dict("records"):
        found = _select(ours, row, evidence, method=METHODS[row["method"]], activation=activation)
        yield _cell(evidence, f"Table {table}", row, row["method"], found)


def _calibrated(evidence: Evidence) -> Iterator[ScorecardEntry]:
    ours = evidence.tables["calibrated"]
    for row in read_table(evidence.published["bojkovic2024_tables3_4_calibrated"]).to_dict("records"):
        found = _select(ours, row, evidence, method="optimal", activation="relu")
        yield _cell(evidence, "Table 4" if row["dataset"] == "cifar10" else "Table 3", row, "calibrated", found)


def _networks(evidence: Evidence) -> Iterator[ScorecardEntry]:
    ours = evidence.tables["accuracy_by_timesteps"]
    for row in read_table(evidence.published["bojkovic2024_table5_ann"]).to_dict("records"):
        found = _select(ours, row, evidence, activation="relu").drop_duplicates(["dataset", "network"])
        found = found.assign(accuracy=found["ann_accuracy"])
        yield _cell(evidence, "Table 5", {**row, "snn_accuracy": row["ann_accuracy"]}, "analogue network", found)


def _cell(evidence: Evidence, source: str, row: dict, what: str, found: pd.DataFrame) -> ScorecardEntry:
    steps = f", T = {row['timesteps']:.0f}" if "timesteps" in row else ""
    claim = Claim(
        id=":".join(
            [source.replace(" ", "").lower(), row["dataset"], row["architecture"], what.replace(" ", "-")]
            + ([f"T{row['timesteps']:.0f}"] if steps else [])
        ),
        place=source,
        statement=f"{dataset_name(row['dataset'])}, {row['architecture']}, {what}{steps}: accuracy in %",
        printed=f"{row['snn_accuracy']:.2f}",
        datasets=(row["dataset"],),
        comparable_scaled=False,
    )
    result = OurResult()
    if len(found):
        value = float(found["accuracy"].iloc[0])
        result = OurResult(repr(value), n="1", agrees=abs(value - row["snn_accuracy"]) < MARGIN)
    return scorecard_entry(claim, result, evidence.conditions)


def _energies(evidence: Evidence) -> Iterator[ScorecardEntry]:
    ours = evidence.tables["energy"]
    for row in read_table(evidence.published["bojkovic2024_energy"]).to_dict("records"):
        if row["model"] == "QCFS":
            continue
        spiking = row["model"] == "ours"
        steps = f", T = {row['timesteps']:.0f}" if spiking else ""
        claim = Claim(
            id=f"section9:{row['model']}",
            place="Section 9",
            statement=f"{dataset_name(row['dataset'])}, {row['architecture']}, {row['model']}{steps}: "
            "energy per image in mJ",
            printed=f"{row['energy_mJ']:g}",
            datasets=(row["dataset"],),
            comparable_scaled=False,
        )
        found = _select(ours, row if spiking else {**row, "timesteps": None}, evidence, method="optimal")
        found = found[found["stage"] == "calibration"] if spiking else found
        column = f"{'energy_of_spikes' if spiking else 'ann_energy'}_qiao2015"
        result = OurResult()
        if len(found) and column in found:
            value = float(found[column].iloc[0]) / MILLI
            agrees = 1 / FACTOR < value / row["energy_mJ"] < FACTOR
            result = OurResult(repr(value), n="1", agrees=agrees)
        yield scorecard_entry(claim, result, evidence.conditions)


def _select(ours: pd.DataFrame, row: dict, evidence: Evidence, **wanted: str) -> pd.DataFrame:
    """Our rows for a printed one: same (or standing-in) data set, family and number of steps."""
    found = ours[ours["dataset"] == evidence.conditions.datasets.get(row["dataset"])]
    found = found[found["architecture"].map(ARCHITECTURES) == row["architecture"]]
    for column, value in wanted.items():
        found = found[found[column] == value]
    if row.get("timesteps") is not None and "timesteps" in found:
        found = found[found["timesteps"] == row["timesteps"]]
    return found


def _sentences(evidence: Evidence) -> Iterator[ScorecardEntry]:
    accuracy = evidence.tables["accuracy_by_timesteps"]
    error = evidence.tables["layer_error"]
    few = accuracy[accuracy["timesteps"] <= FEW_STEPS]
    low = accuracy[accuracy["timesteps"] <= 2 * FEW_STEPS]
    yield _pairs(
        evidence, "low-latency:max", "Abstract and Sec. 4", few, "optimal", "max",
        f"optimal thresholds are more accurate than maximum ones for T <= {FEW_STEPS}",
    )  # fmt: skip
    yield _pairs(
        evidence, "low-latency:percentile", "Sec. 3.2", few, "optimal", "percentile",
        f"and more accurate than thresholds at a fraction of the maximum for T <= {FEW_STEPS}",
    )  # fmt: skip
    yield _pairs(
        evidence, "low-latency:opt", "Sec. 5.2", low, "optimal", "opt_clipped",
        "our method vastly outperforms the baseline (Opt) for the low latency",
    )  # fmt: skip
    most = accuracy["timesteps"].max()
    yield _close(
        evidence, "top-latency:opt", "Sec. 5.2", accuracy[accuracy["timesteps"] == most], "optimal", "opt_clipped",
        "in the top latency the performances (of Opt and ours) are comparable",
    )  # fmt: skip
    yield _close(
        evidence, "qcfs", "Sec. 5.2", accuracy[accuracy["timesteps"] > 1], "optimal", "qcfs",
        "on a QCFS network the performance is identical to that of its own thresholds",
    )  # fmt: skip
    yield _pairs(
        evidence, "snm", "Sec. 5.1", few, "snm_optimal", "snm",
        "our initialisation significantly improves the performance of SNM",
    )  # fmt: skip
    yield _pairs(
        evidence, "snm-helps", "Sec. 5.1 and Table 1", few, "snm_optimal", "optimal",
        f"signed neurons add to our initialisation for T <= {FEW_STEPS}",
    )  # fmt: skip
    yield _pairs(
        evidence, "channels", "Sec. 6", few, "optimal_channel", "optimal",
        f"the method can be further improved by applying it channel-wise (T <= {FEW_STEPS})",
    )  # fmt: skip
    yield _layer_errors(evidence, error)
    yield _figure_4(evidence)
    yield _energy_ratio(evidence)


def _beside(frame: pd.DataFrame, first: str, second: str, value: str) -> pd.DataFrame:
    """Our values for two methods, beside one another."""
    keys = [key for key in ("dataset", "network", "timesteps", "layer") if key in frame]
    one = frame[frame["method"] == first][[*keys, value]]
    two = frame[frame["method"] == second][[*keys, value]]
    return one.merge(two, on=keys, suffixes=("_1", "_2"))


def _pairs(
    evidence: Evidence, claim: str, source: str, frame: pd.DataFrame, first: str, second: str, text: str
) -> ScorecardEntry:
    """A sentence that says `first` is more accurate than `second`.

    A pair speaks for or against it where the two differ by more than two accuracies on so many images do by chance.
    """
    pairs = _beside(frame, first, second, "accuracy")
    result = OurResult()
    if len(pairs):
        difference = pairs["accuracy_1"] - pairs["accuracy_2"]
        chance = NORMAL_QUANTILE * _sampling_error(pairs["accuracy_1"], pairs["accuracy_2"], frame["images"].min())
        better, worse = int((difference > chance).sum()), int((difference < -chance).sum())
        note = (
            f"mean difference {difference.mean():+.2f}, from {difference.min():+.2f} to {difference.max():+.2f} points"
        )
        result = OurResult(
            f"better in {better}, worse in {worse} of {len(pairs)}",
            n=str(len(pairs)),
            agrees=not worse if better or worse else None,
            note=note,
        )
    return scorecard_entry(Claim(claim, source, text, "stated", ("cifar10", "cifar100")), result, evidence.conditions)


def _sampling_error(one: pd.Series, two: pd.Series, images: int) -> pd.Series:
    """Standard deviation of the difference of two accuracies in per cent that were counted on so many images each."""
    return ((one * (100 - one) + two * (100 - two)) / images) ** 0.5


def _close(
    evidence: Evidence, claim: str, source: str, frame: pd.DataFrame, first: str, second: str, text: str
) -> ScorecardEntry:
    pairs = _beside(frame, first, second, "accuracy")
    result = OurResult()
    if len(pairs):
        difference = (pairs["accuracy_1"] - pairs["accuracy_2"]).abs()
        result = OurResult(
            f"largest difference {difference.max():.2f} points",
            n=str(len(pairs)),
            agrees=bool(difference.max() < CLOSE),
        )
    return scorecard_entry(Claim(claim, source, text, "stated", ("cifar10", "cifar100")), result, evidence.conditions)


def _layer_errors(evidence: Evidence, error: pd.DataFrame) -> ScorecardEntry:
    pairs = _beside(error[error["timesteps"] <= FEW_STEPS], "optimal", "max", "error")
    result = OurResult()
    if len(pairs):
        smaller = int((pairs["error_1"] < pairs["error_2"]).sum())
        result = OurResult(
            f"smaller in {smaller} of {len(pairs)} layers and T", n=str(len(pairs)), agrees=smaller == len(pairs)
        )
    text = f"optimal thresholds make the conversion error of a layer smaller than maximum ones (T <= {FEW_STEPS})"
    claim = Claim("layer-error", "Sec. 4", text, "stated", ("cifar10", "cifar100"))
    return scorecard_entry(claim, result, evidence.conditions)


def _figure_4(evidence: Evidence) -> ScorecardEntry:
    curves = evidence.tables["calibration_curves"]
    first = curves[curves["timesteps"] == curves["timesteps"].min()]
    result = OurResult()
    runs = [group for _, group in first.groupby(["dataset", "network"]) if set(group["method"]) >= {"optimal", "max"}]
    if runs:
        verdicts, texts = [], []
        for group in runs:
            ours, other = (group[group["method"] == method] for method in ("optimal", "max"))
            reached = ours[ours["epoch"] <= max(1, 0.2 * ours["epoch"].max())]["test_accuracy"].max()
            verdicts.append(bool(other["test_accuracy"].max() < reached))
            texts.append(f"{reached:.1f}% against {other['test_accuracy'].max():.1f}%")
        result = OurResult("; ".join(texts), n=str(len(runs)), agrees=all(verdicts))
    text = (
        "calibrated at T = 1, the network with maximum thresholds does not reach in all epochs what ours reaches in a "
        "fifth of them (10 of 50)"
    )
    claim = Claim("figure4", "Sec. 8.2 and Figure 4", text, "85%", ("cifar10",))
    return scorecard_entry(claim, result, evidence.conditions)


def _energy_ratio(evidence: Evidence) -> ScorecardEntry:
    energy = evidence.tables["energy"]
    found = energy[(energy["stage"] == "calibration") & (energy["timesteps"] == 1)]
    result = OurResult()
    if len(found) and "ann_energy_qiao2015" in found:
        ratio = (found["ann_energy_qiao2015"] / found["energy_of_spikes_qiao2015"]).to_numpy()
        note = "synaptic operations alone, without the first layer's multiply-accumulates"
        result = OurResult(repr(float(ratio.min())), n=str(len(ratio)), agrees=bool(ratio.min() > 100), note=note)
    text = "at T = 1 the spiking network needs orders of magnitude less energy than the analogue one"
    claim = Claim("energy-ratio", "Section 9", text, "1227 (7.85 / 0.0064)", ("cifar100",))
    return scorecard_entry(claim, result, evidence.conditions)
