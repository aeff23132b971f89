"""Lay every published claim and number beside ours, with a verdict.

INPUTS   studies/<study>/{tables/,statistics.csv,audit.csv}, the published numbers
OUTPUTS  studies/<study>/{scorecard.{csv,md,html},answer.json}
DECIDES  the verdicts: given only where the published conditions were met, otherwise "scaled down"
"""

for study in PLANNED:

    rule:
        name:
            f"score_{study.name}"
        input:
            evidence=[f"results/{{name}}/studies/{study.name}/{evidence}.csv" for evidence in study.evidence],
            tables=tables_of(study),
            published=published_files(study),
        output:
            scorecard=f"results/{{name}}/studies/{study.name}/scorecard.csv",
            markdown=f"results/{{name}}/studies/{study.name}/scorecard.md",
            answer=f"results/{{name}}/studies/{study.name}/answer.json",
            html=report(
                f"results/{{name}}/studies/{study.name}/scorecard.html",
                caption=caption(study, study.scorecard),
                category=study.name,
                subcategory="scorecard",
                labels={"table": "scorecard"},
            ),
        log:
            f"results/{{name}}/logs/score/{study.name}.log",
        benchmark:
            f"results/{{name}}/benchmarks/score/{study.name}.tsv"
        localrule: True
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=10,
        params:
            spec=lambda wildcards, study=study: rule_specs.score_spec(CONFIG, study),
            study=study.name,
        shell:
            "python -m spikeinit.stages.score --spec {params.spec:q}"
            " --tables results/{wildcards.name}/studies/{params.study}/tables --evidence {input.evidence:q}"
            ' --published {input.published:q} --study-files "${{STUDY_FILES[@]}}" --scorecard {output.scorecard:q}'
            " --markdown {output.markdown:q} --html {output.html:q} --answer {output.answer:q} > {log:q} 2>&1 || failed {log:q}"
