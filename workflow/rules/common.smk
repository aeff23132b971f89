"""The checked configuration, the runs it asks for, and what every rule's command finds in its shell.

A rule calls its stage by `python -m spikeinit.stages.<stage>`. What the stage says goes to the rule's log; `failed`
shows the end of that log when the stage fails. DEVICE, GPU_JOBS, KERNEL, DATA_ROOT, USER_FILES and STUDY_FILES come
from the configuration, which `shell.prefix` below exports to every command.
"""

import os
import re
import shlex
import sys
import time
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

PACKAGE_ROOT = Path(workflow.basedir) / "workflow"
sys.path.insert(0, str(PACKAGE_ROOT))

from spikeinit.errors import UserError
from spikeinit.io import read_json
from spikeinit.jobs.anns import anns
from spikeinit.jobs.runs import batches
from spikeinit.names.slugs import NAME_PATTERN
from spikeinit.plan import captions, from_snakemake, rule_specs, runs
from spikeinit.studies.summary import Summary, to_terminal
from spikeinit.tracking import address
from spikeinit.tracking.sync import unrecorded

try:
    CONFIG, SETTLED, NOTES = from_snakemake(config, workflow.configfiles, workflow.config_settings.config)
    PLANNED = [CONFIG.known[study] for study in CONFIG.sections]
    RUNS = {study.name: {run.name: run for run in runs(CONFIG, study.name)} for study in PLANNED}
    BATCHES = {study: batches(of_study.values()) for study, of_study in RUNS.items()}
    ANNS = anns(CONFIG)
    rule_specs.check_results_folder("results")
    PYTHON_PATH = rule_specs.search_path(PACKAGE_ROOT)
except UserError as error:
    raise WorkflowError(str(error)) from None

TRACKING_URI, store_note = address.configured(CONFIG.tracking_uri)
for note in filter(None, [*NOTES, store_note if CONFIG.tracking_enabled else ""]):
    logger.info(note)

STARTED = time.time()
RESULTS = f"results/{CONFIG.name}"
TRACKING_READY = "results/{name}/tracking.json"

# Where the work is done and recorded decides no number, so it reaches the stages past the tracked parameters.
SITE = {
    "PYTHONPATH": os.pathsep.join(filter(None, [PYTHON_PATH, os.environ.get("PYTHONPATH")])),
    "DEVICE": CONFIG.device,
    "GPU_JOBS": "auto" if CONFIG.gpu_jobs is None else str(CONFIG.gpu_jobs),
    "KERNEL": CONFIG.kernel,
    "DATA_ROOT": CONFIG.data_root or "",
}
# An environment that Snakemake deploys brings its own interpreter.
INTERPRETER = "command python" if workflow.deployment_settings.deployment_method else shlex.quote(sys.executable)
PREFIX = (
    "".join(f"export {key}={shlex.quote(value)}; " for key, value in SITE.items())
    + f"USER_FILES=({shlex.join(CONFIG.user_files)}); "
    + f"STUDY_FILES=({shlex.join(CONFIG.study_files)}); "
    + f'python() {{ {INTERPRETER} "$@"; }}; '
    + 'failed() { local status=$?; tail -n 5 "$1" >&2; return $status; }; '
    + "trap : TERM; "  # a cluster signals every process of a job: this shell waits while its stage writes a checkpoint
)
shell.prefix(PREFIX.replace("{", "{{").replace("}", "}}"))  # Snakemake formats it as it formats a command

# An address may hold a password, which a command would show and Snakemake would keep.
os.environ[address.VARIABLE] = TRACKING_URI if CONFIG.tracking_enabled else ""


def any_of(names):
    """A wildcard constraint: one of these names, or nothing at all if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    name=re.escape(CONFIG.name),
    study=any_of(CONFIG.known),
    dataset=NAME_PATTERN,
    network=NAME_PATTERN,
    run=NAME_PATTERN,
    batch=any_of(sorted({batch for batches in BATCHES.values() for batch in batches})),


def run_of(wildcards):
    """The run a path names; an unknown one makes the path unknown to the workflow."""
    return RUNS[wildcards.study][wildcards.run]


def runs_of_batch(wildcards):
    """The runs of the batch a path names, all on one data set."""
    return BATCHES[wildcards.study][wildcards.batch]


def studies_by(stage):
    """The studies that have runs with a job of their own in this stage, as a wildcard constraint."""
    return any_of(study for study in RUNS if any(_alone_in(stage, run) for run in RUNS[study].values()))


def runs_by(stage):
    """The names of all runs with a job of their own in this stage, as a wildcard constraint."""
    return any_of(sorted({name for runs in RUNS.values() for name, run in runs.items() if _alone_in(stage, run)}))


def _alone_in(stage, run):
    return run.stage == stage and not run.batch


def dataset_of_run(wildcards):
    return _dataset_of(run_of(wildcards))


def dataset_of_batch(wildcards):
    return _dataset_of(runs_of_batch(wildcards)[0])


def _dataset_of(run):
    return f"results/datasets/{run.labels['dataset']}/manifest.json"


def ann_of(wildcards):
    """The analogue network a path names."""
    return ANNS[wildcards.dataset, wildcards.network]


def ann_weights(run):
    """Weights of the analogue network that a run starts from; none for a run that starts from none."""
    return [] if run.ann is None else [f"{RESULTS}/ann/{'/'.join(run.ann)}/weights.safetensors"]


def ann_thresholds(run):
    """Thresholds from that network's activations; none for a run that takes none."""
    return [f"{RESULTS}/thresholds/{'/'.join(run.ann)}/thresholds.csv"] if rule_specs.takes_thresholds(run) else []


def neuron_thresholds(run):
    """Thresholds of single neurons; none for a run whose method has one for each layer or channel."""
    taken = rule_specs.takes_neuron_thresholds(run)
    return [f"{RESULTS}/thresholds/{'/'.join(run.ann)}/neurons.safetensors"] if taken else []


def files_of_runs(study):
    """What tells that the runs of a study are done: the CSV files its tables are made of, or those of whole batches."""
    alone = [run for run in RUNS[study.name].values() if not run.batch]
    files = [f"{RESULTS}/runs/{study.name}/{run.name}/{table}.csv" for run in alone for table in run.tables]
    return files + [f"{RESULTS}/batches/{study.name}/{batch}/evaluated.csv" for batch in BATCHES[study.name]]


def files_of_anns(study):
    """What the study's tables read of its analogue networks and their activations."""
    kinds = [file.split("/") for file in study.reads]
    found = [
        f"{RESULTS}/{kind}/{ann.dataset}/{ann.network}/{table}.csv"
        for ann in ANNS.values()
        if ann.study == study.name
        for kind, table in kinds
    ]
    return found + thresholds_of_conversions(study)


def thresholds_of_conversions(study):
    """The thresholds of all runs that convert an analogue network."""
    converted = [run for run in RUNS[study.name].values() if run.stage == "convert_ann"]
    return sorted({path for run in converted for path in ann_thresholds(run)})


def published_files(study):
    """The paper's printed numbers."""
    return rule_specs.published_files(study)


def tables_of(study):
    """The CSV tables of a study, with the wildcard {name}."""
    return [f"results/{{name}}/studies/{study.name}/tables/{table.name}.csv" for table in study.tables]


def caption(study, output):
    """The file from which `snakemake --report` takes the caption of a table, a figure or a scorecard."""
    return str(captions.write(study, output))


def study_results(study):
    """Every final file of a study; nothing for one that has no section in the configuration."""
    if study.name not in RUNS:
        return []
    folder = f"{RESULTS}/studies/{study.name}"
    return [f"{folder}/{file}" for file in rule_specs.study_files(study)] + (
        [f"{folder}/tracking.json"] if CONFIG.tracking_enabled else []
    )


def tell_answers():
    """Say on the console what the studies answer whose scorecards this call has made."""
    files = [Path(f"{RESULTS}/studies/{study.name}/answer.json") for study in PLANNED]
    fresh = [Summary(**read_json(path)) for path in files if path.exists() and path.stat().st_mtime >= STARTED]
    if fresh:
        print(to_terminal(fresh, RESULTS), file=sys.stderr)


def tell_unrecorded():
    """Say on the console which studies are not recorded in MLflow, why, and what mends it."""
    markers = [Path(f"{RESULTS}/studies/{study.name}/tracking.json") for study in PLANNED]
    if CONFIG.tracking_enabled and (text := unrecorded(markers)):
        print(text, file=sys.stderr)
