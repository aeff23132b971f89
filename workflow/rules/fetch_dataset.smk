"""Fetch a data set, verify every file's sha256, and store it as tensors in a fixed stratified order.

INPUTS   the files of a user's own data set; otherwise datasets.root or SPIKEINIT_DATA, a package, or a mirror
OUTPUTS  results/datasets/<dataset>/{train.safetensors,test.safetensors,manifest.json}
DECIDES  the split into training, validation and test images, once for every study
"""


rule fetch_dataset:
    """Prepare {wildcards.dataset}."""
    input:
        own=lambda wildcards: rule_specs.own_files(CONFIG, wildcards.dataset),
    output:
        train="results/datasets/{dataset}/train.safetensors",
        test="results/datasets/{dataset}/test.safetensors",
        manifest="results/datasets/{dataset}/manifest.json",
    log:
        "results/datasets/logs/{dataset}.log",
    benchmark:
        "results/datasets/benchmarks/{dataset}.tsv"
    priority: 90
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: resources.preparing_memory_mb(CONFIG, wildcards.dataset, attempt),
        runtime=lambda wildcards, attempt: resources.preparing_minutes(wildcards.dataset, attempt),
    params:
        spec=lambda wildcards: rule_specs.dataset_spec(CONFIG, wildcards.dataset),
    shell:
        'python -m spikeinit.stages.fetch_dataset --spec {params.spec:q} --root="$DATA_ROOT" --own {input.own:q}'
        ' --user-files "${{USER_FILES[@]}}"'
        " --cache results/datasets/cache --train {output.train:q} --test {output.test:q} --manifest {output.manifest:q}"
        " > {log:q} 2>&1 || failed {log:q}"
