"""Evaluate the networks of many short runs in one job.

INPUTS   batches/<study>/<batch>/trained.csv and the weights that go with it, results/datasets/<dataset>/
OUTPUTS  batches/<study>/<batch>/evaluated.csv, the accuracy of all its runs; beside it, in no rule's output, what
         evaluate_snn writes for every run
DECIDES  the same as evaluate_snn
"""


rule evaluate_batch:
    """Evaluate the runs of {wildcards.study}, {wildcards.batch}."""
    input:
        data=dataset_of_batch,
        trained="results/{name}/batches/{study}/{batch}/trained.csv",
    output:
        "results/{name}/batches/{study}/{batch}/evaluated.csv",
    log:
        "results/{name}/logs/evaluate_batch/{study}/{batch}.log",
    benchmark:
        "results/{name}/benchmarks/evaluate_batch/{study}/{batch}.tsv"
    priority: 20
    conda:
        "../../envs/environment.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=memory_of_batch_evaluation,
        gpu_mb=gpu_memory_of_batch_evaluation,
        runtime=runtime_of_batch_evaluation,
    params:
        spec=lambda wildcards: rule_specs.evaluation_batch_spec(runs_of_batch(wildcards)),
    shell:
        "python -m spikeinit.stages.evaluate_batch --spec {params.spec:q} --runs results/{wildcards.name}/runs/{wildcards.study}"
        ' --user-files "${{USER_FILES[@]}}"'
        " --data {input.data:q} --kernel $KERNEL --evaluated {output:q}"
        " --device $DEVICE --gpu-jobs $GPU_JOBS --gpu-mb {resources.gpu_mb}"
        " > {log:q} 2>&1 || failed {log:q}"
