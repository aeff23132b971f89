"""Complete the MLflow record of a study from its files: whatever the live mirror could not send, and the results.

INPUTS   everything the study ends in, and the address of the store: a new address records the study again
OUTPUTS  studies/<study>/tracking.json: what was counted in the store
DECIDES  nothing; no stage depends on it
"""


rule sync_tracking:
    """Complete the MLflow record of the {wildcards.study} study."""
    input:
        tracking=TRACKING_READY,
        results=lambda wildcards: [
            f"results/{wildcards.name}/studies/{wildcards.study}/{file}"
            for file in rule_specs.study_files(CONFIG.known[wildcards.study])
        ],
    output:
        "results/{name}/studies/{study}/tracking.json",
    log:
        "results/{name}/logs/sync_tracking/{study}.log",
    benchmark:
        "results/{name}/benchmarks/sync_tracking/{study}.tsv"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=lambda wildcards: rule_specs.sync_spec(CONFIG, wildcards.study, ANNS.values()),
    shell:
        "python -m spikeinit.stages.sync_tracking --spec {params.spec:q} --tracking {input.tracking:q} --study {wildcards.study:q}"
        " --runs results/{wildcards.name}/runs --study-dir $(dirname {output:q}) --output {output:q}"
        " > {log:q} 2>&1 || failed {log:q}"
