"""What each rule asks for: the canonical spec string it tracks, its inputs, and the files a study ends in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spikeinit.config.configuration import CUSTOM_FILES, USER_FILES, Config
from spikeinit.conversion.methods import METHODS, OF_NEURONS
from spikeinit.datasets import catalogue, own
from spikeinit.errors import UserError
from spikeinit.io import canonical_json, digest
from spikeinit.jobs import anns
from spikeinit.jobs.anns import Ann
from spikeinit.jobs.provenance import dataset_source, source_digest, study_source
from spikeinit.jobs.runs import Run
from spikeinit.nested import factored
from spikeinit.plan.conditions import conditions
from spikeinit.specs import to_dict, to_json
from spikeinit.study import Output, Study
from spikeinit.tracking.address import configured, shown

STATISTICS_KEY = "statistics"
"""The part of a study's section that decides no run, only what is said about them."""

PUBLISHED = Path(__file__).parents[2] / "published"
"""The folder of the printed numbers of this package's studies."""

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


def search_path(folder: Path) -> str:
    """The entry of PYTHONPATH for the package's folder: its path, or where a colon stands in it, the relative one.

    PYTHONPATH has no way to write a colon. Raises `UserError` where even the relative path has one, and for a checkout
    with braces in its path, which Snakemake cannot work in.
    """
    if set("{}") & set(str(folder)):
        raise UserError(f"{folder.parent}: Snakemake reads braces in a path as wildcards; rename the checkout's folder")
    for path in (str(folder), os.path.relpath(folder)):
        if os.pathsep not in path:
            return path
    raise UserError(
        f"{folder}: Python cannot search a folder with {os.pathsep!r} in its path; rename it, or start snakemake in it"
    )


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


def published_files(study: Study) -> list[str]:
    """The files of the paper's printed numbers: in workflow/published, or in the package of a user's own study.

    Their paths are relative to the folder that Snakemake works in, so that a checkout may be moved.
    """
    own = [study.folder / file for file in study.published.files]
    return [os.path.relpath(path if path.is_file() else PUBLISHED / path.name) for path in own]


def tracking_spec(config: Config) -> str:
    """Spec of `init_tracking`; a store at another address is another store."""
    return canonical_json(
        {
            "name": config.name,
            "studies": list(config.studies),
            "enabled": config.tracking_enabled,
            "uri": shown(configured(config.tracking_uri)[0]),
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


def takes_neuron_thresholds(run: Run) -> bool:
    """Whether a conversion has a threshold for each neuron."""
    return METHODS[run.spec.method].thresholds == OF_NEURONS


def run_spec(run: Run) -> str:
    """Spec of the stage that makes a run."""
    return to_json(run.spec)


def plan_spec(mapping: Mapping[str, Any], study: str, planned: Iterable[Run]) -> str:
    """Spec of `plan_study`: what of the configuration decides the list of runs, and a digest of that list.

    The list itself, at paper scale thousands of rows, would be too long for a command; its digest makes the rule run
    again when the code of a study, and not its configuration, changes the list.
    """
    section = {key: value for key, value in mapping[study].items() if key not in NOT_PLANNED}
    kept = {key: mapping[key] for key in (*USER_FILES, "study_files") if key in mapping}
    kept |= {"datasets": {"custom": mapping.get("datasets", {}).get("custom", {})}}
    kept |= {"name": mapping["name"], "studies": [study], study: section}
    source = source_digest("spikeinit.stages.plan_study")
    return canonical_json({"study": study, "config": kept, "rows": digest(plan_rows(planned)), "source": source})


def plan_rows(planned: Iterable[Run]) -> list[dict[str, Any]]:
    """The rows of plan.csv: every run with its labels and seeds."""
    return [{"run": run.name, **run.labels, "seeds": ";".join(map(str, run.spec.seeds))} for run in planned]


def tables_spec(config: Config, study: Study) -> str:
    """Spec of `tabulate`: which tables, by what functions, and the options that the study declares."""
    return _spec(
        "tabulate",
        study,
        study.tables,
        tables=_functions(study.tables),
        pages=[table.name for table in study.tables if table.caption],
        text_columns=list(study.text_columns),
        **study.options(config),
    )


def statistics_spec(config: Config, study: Study) -> str:
    """Spec of `test_hypotheses`: the study's comparisons and the configuration's statistics."""
    options = config.sections[study.name][STATISTICS_KEY]
    return _spec("test_hypotheses", study, **study.hypotheses.ask(config), **options)


def audit_spec(study: Study) -> str:
    """Spec of `audit_published`."""
    return _spec("audit_published", study, [Output(study.audit)], audit=study.audit)


def figures_spec(study: Study) -> str:
    """Spec of `plot`: which figures, by what functions."""
    figures = _functions(study.figures)
    return _spec("plot", study, study.figures, figures=figures, text_columns=list(study.text_columns))


def score_spec(config: Config, study: Study) -> str:
    """Spec of `score`: by what function, and how the configuration departs from the published conditions."""
    statistics = config.sections[study.name].get(STATISTICS_KEY, {})
    return _spec(
        "score",
        study,
        [study.scorecard, *([Output(study.answer)] if study.answer else [])],
        paper=study.paper,
        question=study.question,
        answer=study.answer,
        figure=f"figures/{study.key_figure}.png" if study.key_figure else "",
        scorecard=study.scorecard.function,
        title=study.scorecard.title,
        text_columns=list(study.text_columns),
        **conditions(study, config),
        confidence=statistics.get("confidence", 0.95),
        margins={name: statistics.get(f"{name}_margin") for name in ("equivalence", "accuracy")},
    )


def summary_spec(name: str) -> str:
    """Spec of `summarize`."""
    return canonical_json({"name": name, "source": source_digest("spikeinit.stages.summarize")})


def _functions(outputs: Iterable[Output]) -> dict[str, str]:
    return {output.name: output.function for output in outputs}


def sync_spec(config: Config, study: str, needed: Iterable[Ann]) -> str:
    """Spec of `sync_tracking`: a failed replay changes it, so that the next call tries again.

    needed: the analogue networks of all studies.
    """
    from spikeinit.tracking.sync import failed_attempts

    marker = Path("results") / config.name / "studies" / study / "tracking.json"
    return canonical_json(
        {
            "name": config.name,
            "study": study,
            "uri": shown(configured(config.tracking_uri)[0]),
            "failed_attempts": failed_attempts(marker),
            "anns": {ann.run: [ann.spec.seed] for ann in needed if ann.study == study},
        }
    )


def study_files(study: Study) -> list[str]:
    """Paths below studies/<study>/ of everything a study ends in."""
    tested = ["statistics.csv", "anova.csv"] if study.hypotheses else []
    return [
        *(f"tables/{table.name}.csv" for table in study.tables),
        *(f"figures/{figure.name}.{kind}" for figure in study.figures for kind in ("svg", "png")),
        *tested,
        *(["audit.csv"] if study.audit else []),
        "scorecard.csv",
        "scorecard.md",
        "answer.json",
    ]


def _spec(stage: str, study: Study, outputs: Iterable[Output] = (), **values: Any) -> str:
    """Spec of a stage that works on a whole study, with the digest of its code and of the functions it calls."""
    return canonical_json({"study": study.name, **values, "source": study_source(study, stage, outputs)})
