"""Draw a study's figures.

INPUTS   studies/<study>/tables/, the published numbers
OUTPUTS  studies/<study>/figures/<figure>.{svg,png}
DECIDES  nothing that is tested
"""

for study in PLANNED:

    rule:
        name:
            f"plot_{study.name}"
        input:
            tables=tables_of(study),
            published=published_files(study),
        output:
            [
                report(
                    f"results/{{name}}/studies/{study.name}/figures/{figure.name}.svg",
                    caption=caption(study, figure),
                    category=study.name,
                    subcategory="figures",
                    labels={"figure": figure.name.replace("_", " ")},
                )
                for figure in study.figures
            ],
            [f"results/{{name}}/studies/{study.name}/figures/{figure.name}.png" for figure in study.figures],
        log:
            f"results/{{name}}/logs/plot/{study.name}.log",
        benchmark:
            f"results/{{name}}/benchmarks/plot/{study.name}.tsv"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=20,
        params:
            spec=lambda wildcards, study=study: rule_specs.figures_spec(study),
            study=study.name,
        shell:
            "python -m spikeinit.stages.plot --spec {params.spec:q}"
            " --tables results/{wildcards.name}/studies/{params.study}/tables"
            " --figures results/{wildcards.name}/studies/{params.study}/figures"
            ' --published {input.published:q} --study-files "${{STUDY_FILES[@]}}" > {log:q} 2>&1 || failed {log:q}'
