"""Create the MLflow store, the experiments and each study's parent run once, before anything logs to them.

INPUTS   none
OUTPUTS  results/<name>/tracking.json: the store's address and the ids to log under
DECIDES  nothing that a number depends on; of the rules only sync_tracking has it as an input. Jobs that compute look for
         the file while they run, and this rule goes first by its priority
"""


rule init_tracking:
    """Prepare MLflow for {wildcards.name}."""
    output:
        TRACKING_READY,
    log:
        "results/{name}/logs/init_tracking.log",
    benchmark:
        "results/{name}/benchmarks/init_tracking.tsv"
    priority: 100
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=rule_specs.tracking_spec(CONFIG),
    shell:
        "python -m spikeinit.stages.init_tracking --spec {params.spec:q} --tracking {output:q}"
        " > {log:q} 2>&1 || failed {log:q}"
