"""Lay every published claim and number beside ours, with a verdict.

INPUTS   studies/<study>/{tables/,statistics.csv,audit.csv}, the published numbers
OUTPUTS  studies/<study>/scorecard.{csv,md,html}
DECIDES  the verdicts: given only where the published conditions were met, otherwise "scaled down"
"""

for study in RUNS:

    rule:
        name:
            f"score_{study}"
        input:
            evidence=evidence_of(study),
            tables=tables_of(study),
            published=published_files(study),
        output:
            scorecard=f"results/{{name}}/studies/{study}/scorecard.csv",
            markdown=f"results/{{name}}/studies/{study}/scorecard.md",
            html=report(
                f"results/{{name}}/studies/{study}/scorecard.html",
                caption=f"../report/{study}_scorecard.rst",
                category=study,
                subcategory="scorecard",
                labels={"table": "scorecard"},
            ),
        log:
            f"results/{{name}}/logs/score/{study}.log",
        benchmark:
            f"results/{{name}}/benchmarks/score/{study}.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            spec=lambda wildcards, study=study: rule_specs.score_spec(CONFIG, study),
            study=study,
        shell:
            "stage {log:q} score --spec {params.spec:q}"
            " --tables results/{wildcards.name}/studies/{params.study}/tables"
            " $(for file in {input.evidence:q}; do echo --$(basename $file .csv) $file; done) --published {input.published:q}"
            " --scorecard {output.scorecard:q} --markdown {output.markdown:q} --html {output.html:q}"
