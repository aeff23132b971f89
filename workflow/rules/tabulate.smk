"""Gather a study's runs into tables.

INPUTS   studies/<study>/plan.csv, every run's CSV files and those of its analogue networks, the paper's printed values
OUTPUTS  studies/<study>/tables/<table>.csv, the short ones also as HTML for the report
DECIDES  what is averaged over what; the tables' modules say so
"""

for study in PLANNED:

    rule:
        name:
            f"tabulate_{study.name}"
        input:
            plan=f"results/{{name}}/studies/{study.name}/plan.csv",
            runs=files_of_runs(study),
            anns=files_of_anns(study),
            published=published_files(study),
        output:
            tables_of(study),
            [
                report(
                    f"results/{{name}}/studies/{study.name}/tables/{table.name}.html",
                    caption=caption(study, table),
                    category=study.name,
                    subcategory="tables",
                    labels={"table": table.name.replace("_", " ")},
                )
                for table in study.tables
                if table.caption
            ],
        log:
            f"results/{{name}}/logs/tabulate/{study.name}.log",
        benchmark:
            f"results/{{name}}/benchmarks/tabulate/{study.name}.tsv"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=20,
        params:
            spec=lambda wildcards, study=study: rule_specs.tables_spec(CONFIG, study),
            study=study.name,
        shell:
            "python -m spikeinit.stages.tabulate --spec {params.spec:q} --plan {input.plan:q}"
            " --runs results/{wildcards.name}/runs/{params.study}"
            " --tables results/{wildcards.name}/studies/{params.study}/tables --published {input.published:q}"
            ' --study-files "${{STUDY_FILES[@]}}" > {log:q} 2>&1 || failed {log:q}'
