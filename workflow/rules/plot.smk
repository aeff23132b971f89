"""Draw a study's figures.

INPUTS   studies/<study>/tables/, the published numbers
OUTPUTS  studies/<study>/figures/<figure>.{svg,png}
DECIDES  nothing that is tested
"""

for study in RUNS:

    rule:
        name:
            f"plot_{study}"
        input:
            tables=tables_of(study),
            published=published_files(study),
        output:
            [
                report(
                    f"results/{{name}}/studies/{study}/figures/{figure}.svg",
                    caption=f"../report/{study}_figure_{figure}.rst",
                    category=study,
                    subcategory="figures",
                    labels={"figure": figure.replace("_", " ")},
                )
                for figure in outputs_of(study).FIGURES
            ],
            [f"results/{{name}}/studies/{study}/figures/{figure}.png" for figure in outputs_of(study).FIGURES],
        log:
            f"results/{{name}}/logs/plot/{study}.log",
        benchmark:
            f"results/{{name}}/benchmarks/plot/{study}.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=20,
        params:
            spec=lambda wildcards, study=study: rule_specs.figures_spec(study),
            study=study,
        shell:
            "stage {log:q} plot --spec {params.spec:q} "
            " --tables results/{wildcards.name}/studies/{params.study}/tables"
            " --figures results/{wildcards.name}/studies/{params.study}/figures"
            " --published {input.published:q}"
