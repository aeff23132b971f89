"""Claims about trained networks (Micheli et al. 2024, figures 8 to 10), judged by means over the seeds.

"Similar" and "all perform well" are taken as: all within 5 percentage points of the best. A training that died or
diverged counts with the accuracy it ended with.
"""

from __future__ import annotations

import pandas as pd

from spikeinit.studies.scorecard import OurResult
from spikeinit.studies.table_tools import StudyTables

CARRYING = ("micheli2024", "rossbroich2022")
SIMILAR_POINTS = 5.0


def mlp_mnist_train(tables: StudyTables, dataset: str) -> OurResult:
    """Training accuracy above 90 % for the proposed and for rossbroich2022, and for no other."""
    return _only_two_exceed(tables, {dataset: 90.0}, "train_accuracy_mean")


def mlp_fmnist_train(tables: StudyTables, dataset: str) -> OurResult:
    """The same at 70 %, and the proposed initialisation is not below rossbroich2022."""
    result = _only_two_exceed(tables, {dataset: 70.0}, "train_accuracy_mean")
    if result.agrees is None:
        return result
    means = _means(tables, "deep_mlp", dataset, "train_accuracy_mean")
    ahead = means["micheli2024"] >= means["rossbroich2022"]
    return OurResult(result.ours, n=result.n, agrees=bool(result.agrees and ahead))


def mlp_test(tables: StudyTables, mnist: str, fashion_mnist: str) -> OurResult:
    """Test accuracy above 90 % (MNIST) and 68 % (Fashion-MNIST) for those two alone."""
    return _only_two_exceed(tables, {mnist: 90.0, fashion_mnist: 68.0}, "test_accuracy_mean")


def _only_two_exceed(tables: StudyTables, levels: dict[str, float], measure: str) -> OurResult:
    texts, agrees = [], True
    for dataset, level in levels.items():
        means = _means(tables, "deep_mlp", dataset, measure)
        if not set(CARRYING) < set(means.index):
            return OurResult(note=f"{' and '.join(CARRYING)} and another initialiser are needed")
        agrees &= all((mean > level) == (name in CARRYING) for name, mean in means.items())
        texts.append(_listed(means))
    return OurResult("; ".join(texts), n=_seeds(tables, "deep_mlp", *levels), agrees=bool(agrees))


def mlp_nmnist(tables: StudyTables, dataset: str) -> OurResult:
    """Training and test accuracies of all within 5 points of the best."""
    return _all_similar(tables, "deep_mlp", dataset)


def cnn_fmnist(tables: StudyTables, dataset: str) -> OurResult:
    """Training and test accuracies of all within 5 points of the best."""
    return _all_similar(tables, "deep_cnn", dataset)


def _all_similar(tables: StudyTables, network: str, dataset: str) -> OurResult:
    agrees, texts = True, []
    for measure in ("train_accuracy_mean", "test_accuracy_mean"):
        means = _means(tables, network, dataset, measure)
        agrees &= means.max() - means.min() <= SIMILAR_POINTS
        texts.append(f"{measure.partition('_')[0]} {means.min():.1f} to {means.max():.1f} %")
    return OurResult(", ".join(texts), n=_seeds(tables, network, dataset), agrees=bool(agrees))


def cnn_cifar10(tables: StudyTables, dataset: str) -> OurResult:
    """The proposed initialisation has the highest training and test accuracy."""
    best = [_means(tables, "deep_cnn", dataset, f"{kind}_accuracy_mean") for kind in ("train", "test")]
    agrees = all(means.idxmax() == "micheli2024" for means in best)
    return OurResult(_listed(best[1]), n=_seeds(tables, "deep_cnn", dataset), agrees=agrees)


def robust(tables: StudyTables, dataset: str) -> OurResult:
    """At no value is the proposed one below Kaiming, and over the values of each sweep it spreads less."""
    frame = tables["robustness"]
    frame = frame[frame["dataset"] == dataset]
    wide = frame.pivot_table(index=["parameter", "value"], columns="initializer", values="train_accuracy_mean")
    if wide.empty or not {"micheli2024", "he"} <= set(wide.columns):
        return OurResult(note="the proposed initialisation and Kaiming are needed")
    better = wide["micheli2024"] >= wide["he"]
    groups = wide.groupby("parameter")
    spread = (groups.max() - groups.min())[["micheli2024", "he"]]
    agrees = bool(better.all() and (spread["micheli2024"] < spread["he"]).all())
    ours = ", ".join(f"{name}: {row['micheli2024']:.1f} against {row['he']:.1f}" for name, row in spread.iterrows())
    note = f"better than Kaiming at {better.sum()} of {len(better)} values"
    return OurResult(f"range of training accuracy over {ours}", n=str(frame["runs"].max()), agrees=agrees, note=note)


def _means(tables: StudyTables, network: str, dataset: str, measure: str) -> pd.Series:
    frame = tables["accuracy"]
    own = frame[(frame["network"] == network) & (frame["dataset"] == dataset)]
    return own.set_index("initializer")[measure]


def _seeds(tables: StudyTables, network: str, *datasets: str) -> str:
    frame = tables["accuracy"]
    own = frame[(frame["network"] == network) & frame["dataset"].isin(datasets)]
    return ", ".join(sorted({str(count) for count in own["runs"]}))


def _listed(means: pd.Series) -> str:
    return ", ".join(f"{name} {mean:.1f}" for name, mean in means.items()) + " %"
