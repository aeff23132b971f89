"""Write down which runs a study has, with the labels its tables group by.

INPUTS   none but the configuration
OUTPUTS  studies/<study>/plan.csv
DECIDES  nothing; later stages read run names and labels here instead of parsing paths
"""


rule plan_study:
    """List the runs of the {wildcards.study} study."""
    output:
        "results/{name}/studies/{study}/plan.csv",
    log:
        "results/{name}/logs/plan_study/{study}.log",
    benchmark:
        "results/{name}/benchmarks/plan_study/{study}.tsv"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        spec=lambda wildcards: rule_specs.plan_spec(SETTLED, wildcards.study, RUNS[wildcards.study].values()),
    shell:
        "python -m spikeinit.stages.plan_study --spec {params.spec:q} --plan {output:q}"
        " > {log:q} 2>&1 || failed {log:q}"
