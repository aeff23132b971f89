"""Simulate deep untrained networks: potentials, spikes and gradients through depth, beside the mean-field prediction.

INPUTS   none: weights and input are drawn
OUTPUTS  runs/<study>/<run>/{signals,repeats,gradients}.csv; beside them, in no rule's output,
         runs/<study>/<run>/seeds/<n>/journal.jsonl
DECIDES  the random streams of the networks, one per repeat
"""


rule simulate_network:
    """Simulate {wildcards.run}."""
    output:
        signals="results/{name}/runs/{study}/{run}/signals.csv",
        repeats="results/{name}/runs/{study}/{run}/repeats.csv",
        gradients="results/{name}/runs/{study}/{run}/gradients.csv",
    log:
        "results/{name}/logs/simulate_network/{study}/{run}.log",
    benchmark:
        "results/{name}/benchmarks/simulate_network/{study}/{run}.tsv"
    wildcard_constraints:
        study=studies_by("simulate_network"),
        run=runs_by("simulate_network"),
    priority: 35
    conda:
        "../../envs/environment.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=2000,
        runtime=runtime_of_simulation,
    params:
        spec=lambda wildcards: rule_specs.run_spec(run_of(wildcards)),
    shell:
        "python -m spikeinit.stages.simulate_network --spec {params.spec:q} --study {wildcards.study:q} --run {wildcards.run:q}"
        ' --tracking results/{wildcards.name}/tracking.json --user-files "${{USER_FILES[@]}}"'
        " --threads {threads} --signals {output.signals:q} --repeats {output.repeats:q}"
        " --gradients {output.gradients:q}"
        " > {log:q} 2>&1 || failed {log:q}"
