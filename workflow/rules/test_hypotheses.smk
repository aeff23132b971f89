"""Test a study's hypotheses.

INPUTS   studies/<study>/tables/spikes_by_run.csv
OUTPUTS  studies/<study>/{statistics.csv,anova.csv}
DECIDES  the families of the multiple-testing corrections; spikeinit.statistics.hypotheses says which
"""

for study in studies_with("statistics.csv"):

    rule:
        name:
            f"test_hypotheses_{study}"
        input:
            f"results/{{name}}/studies/{study}/tables/spikes_by_run.csv",
        output:
            statistics=f"results/{{name}}/studies/{study}/statistics.csv",
            anova=f"results/{{name}}/studies/{study}/anova.csv",
        log:
            f"results/{{name}}/logs/test_hypotheses/{study}.log",
        benchmark:
            f"results/{{name}}/benchmarks/test_hypotheses/{study}.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=20,
        params:
            spec=lambda wildcards, study=study: rule_specs.statistics_spec(CONFIG, study),
        shell:
            "stage {log:q} test_hypotheses --spec {params.spec:q} --table {input:q}"
            " --statistics {output.statistics:q} --anova {output.anova:q}"
