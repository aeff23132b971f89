"""Test a study's hypotheses.

INPUTS   the table of runs that the study declares, studies/<study>/tables/<table>.csv
OUTPUTS  studies/<study>/{statistics.csv,anova.csv}
DECIDES  the families of the multiple-testing corrections; spikeinit.statistics.hypotheses says which
"""

for study in PLANNED:
    if study.hypotheses:

        rule:
            name:
                f"test_hypotheses_{study.name}"
            input:
                f"results/{{name}}/studies/{study.name}/tables/{study.hypotheses.table}.csv",
            output:
                statistics=f"results/{{name}}/studies/{study.name}/statistics.csv",
                anova=f"results/{{name}}/studies/{study.name}/anova.csv",
            log:
                f"results/{{name}}/logs/test_hypotheses/{study.name}.log",
            benchmark:
                f"results/{{name}}/benchmarks/test_hypotheses/{study.name}.tsv"
            localrule: True
            conda:
                "../../envs/environment.yaml"
            threads: 1
            resources:
                mem_mb=2000,
                runtime=20,
            params:
                spec=lambda wildcards, study=study: rule_specs.statistics_spec(CONFIG, study),
            shell:
                "python -m spikeinit.stages.test_hypotheses --spec {params.spec:q} --table {input:q}"
                " --statistics {output.statistics:q} --anova {output.anova:q} > {log:q} 2>&1 || failed {log:q}"
