"""Train many short runs in one job, so that starting up does not cost more than training.

INPUTS   results/datasets/<dataset>/
OUTPUTS  batches/<study>/<batch>/trained.csv, the metrics of all its runs; beside it, in no rule's output, what train_snn
         writes for every run, with its seeds' checkpoints and journals: a batch that is interrupted, or gets more runs,
         goes on with what is not finished
DECIDES  the same as train_snn; which runs share a job decides no number
"""


rule train_batch:
    """Train the runs of {wildcards.study}, {wildcards.batch}."""
    input:
        data=dataset_of_batch,
    output:
        "results/{name}/batches/{study}/{batch}/trained.csv",
    log:
        "results/{name}/logs/train_batch/{study}/{batch}.log",
    benchmark:
        "results/{name}/benchmarks/train_batch/{study}/{batch}.tsv"
    priority: 50
    conda:
        "../../envs/environment.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=memory_of_batch,
        gpu_mb=gpu_memory_of_batch,
        runtime=runtime_of_batch,
    params:
        spec=lambda wildcards: rule_specs.training_batch_spec(runs_of_batch(wildcards)),
    shell:
        "python -m spikeinit.stages.train_batch --spec {params.spec:q} --study {wildcards.study:q}"
        " --runs results/{wildcards.name}/runs/{wildcards.study}"
        " --log results/{wildcards.name}/logs/mirror/{wildcards.study}/{wildcards.batch}.log"
        " --data {input.data:q} --tracking results/{wildcards.name}/tracking.json --kernel $KERNEL"
        " --device $DEVICE --gpu-jobs $GPU_JOBS --gpu-mb {resources.gpu_mb}"
        ' --user-files "${{USER_FILES[@]}}" --trained {output:q}'
        " > {log:q} 2>&1 || failed {log:q}"
