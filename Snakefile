"""spikeinit: published studies of spiking-network initialisation on shared stages.

snakemake --cores N            everything the configuration asks for
snakemake --cores N energy     one study
snakemake -n                   what would run, and why
"""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml" if Path("config.yaml").is_file() else str(Path(workflow.basedir) / "config.yaml")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/fetch_dataset.smk"
include: "workflow/rules/init_tracking.smk"
include: "workflow/rules/simulate_network.smk"
include: "workflow/rules/train_snn.smk"
include: "workflow/rules/evaluate_snn.smk"
include: "workflow/rules/train_batch.smk"
include: "workflow/rules/evaluate_batch.smk"
include: "workflow/rules/plan_study.smk"
include: "workflow/rules/tabulate.smk"
include: "workflow/rules/test_hypotheses.smk"
include: "workflow/rules/audit_published.smk"
include: "workflow/rules/plot.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/summarize.smk"
include: "workflow/rules/sync_tracking.smk"
include: "workflow/rules/pretrain_ann.smk"
include: "workflow/rules/extract_activations.smk"
include: "workflow/rules/optimize_thresholds.smk"
include: "workflow/rules/convert_ann.smk"
include: "workflow/rules/calibrate_snn.smk"


onsuccess:
    tell_answers()
    tell_unrecorded()


onerror:
    tell_unrecorded()


rule all:
    """All studies of the configuration."""
    default_target: True
    input:
        [study_results(CONFIG.known[study]) for study in CONFIG.studies],
        f"{RESULTS}/summary.md",


for study in CONFIG.known.values():

    rule:
        name:
            study.name
        input:
            study_results(study),
