"""Check a paper's printed tables against one another, and its statements against its tables.

INPUTS   the printed numbers that the study declares
OUTPUTS  studies/<study>/audit.csv
DECIDES  which printed claims the paper's own numbers contradict
"""

for study in PLANNED:
    if study.audit:

        rule:
            name:
                f"audit_published_{study.name}"
            input:
                published_files(study),
            output:
                f"results/{{name}}/studies/{study.name}/audit.csv",
            log:
                f"results/{{name}}/logs/audit_published/{study.name}.log",
            benchmark:
                f"results/{{name}}/benchmarks/audit_published/{study.name}.tsv"
            localrule: True
            conda:
                "../../envs/environment.yaml"
            threads: 1
            resources:
                mem_mb=1000,
                runtime=10,
            params:
                spec=lambda wildcards, study=study: rule_specs.audit_spec(study),
            shell:
                "python -m spikeinit.stages.audit_published --spec {params.spec:q} --published {input:q}"
                ' --study-files "${{STUDY_FILES[@]}}" --audit {output:q} > {log:q} 2>&1 || failed {log:q}'
