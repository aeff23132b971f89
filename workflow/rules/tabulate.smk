"""Gather a study's runs into tables.

INPUTS   studies/<study>/plan.csv, every run's CSV files and those of its analogue networks
OUTPUTS  studies/<study>/tables/<table>.csv, the short ones also as HTML for the report
DECIDES  what is averaged over what; the tables' modules say so
"""

for study in RUNS:

    rule:
        name:
            f"tabulate_{study}"
        input:
            plan=f"results/{{name}}/studies/{study}/plan.csv",
            runs=files_of_runs(study),
            anns=files_of_anns(study),
        output:
            tables_of(study),
            [
                report(
                    f"results/{{name}}/studies/{study}/tables/{table}.html",
                    caption=f"../report/{study}_table_{table}.rst",
                    category=study,
                    subcategory="tables",
                    labels={"table": table.replace("_", " ")},
                )
                for table in outputs_of(study).TABLES
                if table not in outputs_of(study).LONG_TABLES
            ],
        log:
            f"results/{{name}}/logs/tabulate/{study}.log",
        benchmark:
            f"results/{{name}}/benchmarks/tabulate/{study}.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=20,
        params:
            spec=lambda wildcards, study=study: rule_specs.tables_spec(CONFIG, study),
            study=study,
        shell:
            "stage {log:q} tabulate --spec {params.spec:q} --plan {input.plan:q}"
            " --runs results/{wildcards.name}/runs/{params.study}"
            " --tables results/{wildcards.name}/studies/{params.study}/tables"
