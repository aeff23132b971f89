"""What each rule asks for: the canonical spec string it tracks, its inputs, and the files a study ends in."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spikeinit.config.configuration import CUSTOM_FILES, USER_FILES, Config
from spikeinit.conversion.methods import METHODS
from spikeinit.datasets import catalogue, own
from spikeinit.errors import UserError
from spikeinit.io import canonical_json
from spikeinit.jobs import anns
from spikeinit.jobs.anns import Ann
from spikeinit.jobs.provenance import dataset_source, source_digest
from spikeinit.jobs.runs import Run, study_module
from spikeinit.nested import factored
from spikeinit.specs import to_dict, to_json

STATISTICS_KEY = "statistics"
"""The part of a study's section that decides no run, only what is said about them."""

NOT_PLANNED = (STATISTICS_KEY, "stand_ins")
"""The parts of a section that decide no run; the values of stand-ins stand in its other keys by then."""


def check_results_folder(folder: str) -> None:
    """`UserError` if results cannot be written below `folder`."""
    path = Path(folder)
    if path.exists() and not path.is_dir():
        raise UserError(f"{path} is a file; results need a folder of that name, so move the file away")
    existing = path if path.exists() else path.absolute().parent
    if not os.access(existing, os.W_OK):
        raise UserError(f"{existing}: cannot be written; give yourself write permission or work in another checkout")


def own_files(config: Config, dataset: str) -> list[str]:
    """The files of a user's own data set; none for one of the package. `UserError` for one that is not there."""
    if dataset in config.custom_datasets:
        folder = Path(config.custom_datasets[dataset].path)
        return [str(folder / file) for file in CUSTOM_FILES]
    if catalogue.REGISTRY.file(dataset):
        return [str(path) for path in own.files_of(dataset, config.data_root)]
    return []


def dataset_spec(config: Config, dataset: str) -> str:
    """Spec of `fetch_dataset`: the catalogue's facts, or what the configuration says of a user's own data."""
    if dataset in config.custom_datasets:
        entry = config.custom_datasets[dataset]
        facts = catalogue.custom_spec(dataset, title=entry.title, licence=entry.licence)
    else:
        facts = catalogue.spec(dataset)
    return canonical_json({"dataset": facts, "source": dataset_source(dataset)})


def tracking_spec(config: Config) -> str:
    """Spec of `init_tracking`; a store at another address is another store."""
    return canonical_json(
        {
            "name": config.name,
            "studies": list(config.studies),
            "enabled": config.tracking_enabled,
            "uri": config.tracking_uri,
        }
    )


def training_spec(run: Run) -> str:
    """Spec of `train_snn`."""
    return to_json(run.spec)


def evaluation_spec(run: Run) -> str:
    """Spec of `evaluate_snn`."""
    return to_json(run.evaluation)


def training_batch_spec(runs: Sequence[Run]) -> str:
    """Spec of `train_batch`: what the specs of its runs share, and what is each one's own."""
    return canonical_json(factored({run.name: to_dict(run.spec) for run in runs}))


def evaluation_batch_spec(runs: Sequence[Run]) -> str:
    """Spec of `evaluate_batch`."""
    return canonical_json(factored({run.name: to_dict(run.evaluation) for run in runs}))


def ann_spec(ann: Ann) -> str:
    """Spec of `pretrain_ann`."""
    return to_json(ann.spec)


def activations_spec(ann: Ann) -> str:
    """Spec of `extract_activations`."""
    return to_json(ann.activations)


def thresholds_spec(ann: Ann) -> str:
    """Spec of `optimize_thresholds`."""
    return to_json(anns.thresholds_spec(ann))


def takes_thresholds(run: Run) -> bool:
    """Whether a run takes thresholds from an analogue network's activations, not from the network itself or none."""
    if run.ann is None:
        return False
    return run.stage == "train_snn" or METHODS[run.spec.method].thresholds != "trained"


def run_spec(run: Run) -> str:
    """Spec of the stage that makes a run."""
    return to_json(run.spec)


def plan_spec(mapping: Mapping[str, Any], study: str) -> str:
    """Spec of `plan_study`: what of the configuration decides the list of runs."""
    section = {key: value for key, value in mapping[study].items() if key not in NOT_PLANNED}
    custom = mapping.get("datasets", {}).get("custom", {})
    kept = {
        "name": mapping["name"],
        "studies": [study],
        **{key: mapping.get(key, []) for key in USER_FILES},
        "datasets": {"custom": custom},
        study: section,
    }
    return _spec("plan_study", study=study, config=kept)


def tables_spec(config: Config, study: str) -> str:
    """Spec of `tabulate`: a study may declare options of its tables."""
    declared = getattr(study_module(study), "table_options", None)
    options = declared(config) if declared else {}
    return _spec("tabulate", f"spikeinit.studies.{study}.tables", study=study, **options)


def statistics_spec(config: Config, study: str) -> str:
    """Spec of `test_hypotheses`: the study's declared comparisons and the configuration's statistics."""
    options = config.sections[study][STATISTICS_KEY]
    return _spec("test_hypotheses", study=study, **study_module(study).hypotheses(config), **options)


def audit_spec(study: str) -> str:
    """Spec of `audit_published`."""
    return _spec("audit_published", study=study)


def figures_spec(study: str) -> str:
    """Spec of `plot`."""
    return _spec("plot", f"spikeinit.studies.{study}.figures", study=study)


def score_spec(config: Config, study: str) -> str:
    """Spec of `score`: how the configuration departs from the published conditions."""
    module = study_module(study)
    differences = module.differences(config)
    statistics = config.sections[study][STATISTICS_KEY]
    return _spec(
        "score",
        f"spikeinit.studies.{study}.claims",
        study=study,
        conditions_met=not differences,
        **_conditions_by_part(module, config),
        differences=differences,
        datasets=module.stands_in_for(config),
        confidence=statistics["confidence"],
        equivalence_margin=statistics["equivalence_margin"],
    )


def _conditions_by_part(module: Any, config: Config) -> dict[str, Any]:
    """For a study whose claims rest on parts with conditions of their own: part -> differences and data sets."""
    return {"parts": module.conditions_by_part(config)} if hasattr(module, "conditions_by_part") else {}


def sync_spec(config: Config, study: str) -> str:
    """Spec of `sync_tracking`: a failed replay changes it, so that the next call tries again."""
    from spikeinit.tracking.sync import failed_attempts

    marker = Path("results") / config.name / "studies" / study / "tracking.json"
    return canonical_json(
        {
            "name": config.name,
            "study": study,
            "uri": config.tracking_uri,
            "failed_attempts": failed_attempts(marker),
        }
    )


def outputs(study: str) -> Any:
    """The module that names a study's TABLES, LONG_TABLES, FIGURES, EXTRA files and PUBLISHED numbers."""
    return importlib.import_module(f"spikeinit.studies.{study}.outputs")


def study_files(study: str) -> list[str]:
    """Paths below studies/<study>/ of everything a study ends in."""
    names = outputs(study)
    return [
        *(f"tables/{name}.csv" for name in names.TABLES),
        *(f"figures/{name}.{kind}" for name in names.FIGURES for kind in ("svg", "png")),
        *names.EXTRA,
        "scorecard.csv",
        "scorecard.md",
    ]


def _spec(stage: str, *modules: str, **values: Any) -> str:
    return canonical_json({**values, "source": source_digest(f"spikeinit.stages.{stage}", *modules)})
