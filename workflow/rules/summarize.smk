"""What all studies of the configuration answer, on one page.

INPUTS   studies/<study>/answer.json
OUTPUTS  summary.{csv,md,html}
DECIDES  nothing
"""


rule summarize:
    """Summary of {wildcards.name}."""
    input:
        [f"{RESULTS}/studies/{study}/answer.json" for study in CONFIG.studies],
    output:
        csv="results/{name}/summary.csv",
        markdown="results/{name}/summary.md",
        html=report(
            "results/{name}/summary.html",
            caption=str(captions.of_summary()),
            category="summary",
            labels={"table": "what the studies answer"},
        ),
    log:
        "results/{name}/logs/summarize.log",
    benchmark:
        "results/{name}/benchmarks/summarize.tsv"
    localrule: True
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        spec=lambda wildcards: rule_specs.summary_spec(wildcards.name),
    shell:
        "python -m spikeinit.stages.summarize --spec {params.spec:q} --answers {input:q}"
        " --csv {output.csv:q} --markdown {output.markdown:q} --html {output.html:q} > {log:q} 2>&1 || failed {log:q}"
