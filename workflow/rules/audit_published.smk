"""Check a paper's printed tables against one another, and its statements against its tables.

INPUTS   workflow/published/
OUTPUTS  studies/<study>/audit.csv
DECIDES  which printed claims the paper's own numbers contradict
"""

for study in studies_with("audit.csv"):

    rule:
        name:
            f"audit_published_{study}"
        input:
            published_files(study),
        output:
            f"results/{{name}}/studies/{study}/audit.csv",
        log:
            f"results/{{name}}/logs/audit_published/{study}.log",
        benchmark:
            f"results/{{name}}/benchmarks/audit_published/{study}.tsv"
        conda:
            "../../envs/environment.yaml"
        threads: 1
        resources:
            mem_mb=1000,
            runtime=10,
        params:
            spec=lambda wildcards, study=study: rule_specs.audit_spec(study),
        shell:
            "stage {log:q} audit_published --spec {params.spec:q} --published {input:q} --audit {output:q}"
