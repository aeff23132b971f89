"""Gather an analogue network's activations on training images, in evaluation mode and without augmentation.

INPUTS   ann/<dataset>/<network>/weights.safetensors, results/datasets/<dataset>/
OUTPUTS  activations/<dataset>/<network>/{activations.safetensors,activations.csv,histogram.csv,sorted.csv}
DECIDES  which images: the first of the training split, which hold every class alike
"""


rule extract_activations:
    """Activations of {wildcards.network} on {wildcards.dataset}."""
    input:
        data="results/datasets/{dataset}/manifest.json",
        weights="results/{name}/ann/{dataset}/{network}/weights.safetensors",
    output:
        activations="results/{name}/activations/{dataset}/{network}/activations.safetensors",
        table="results/{name}/activations/{dataset}/{network}/activations.csv",
        histogram="results/{name}/activations/{dataset}/{network}/histogram.csv",
        sorted="results/{name}/activations/{dataset}/{network}/sorted.csv",
    log:
        "results/{name}/logs/extract_activations/{dataset}/{network}.log",
    benchmark:
        "results/{name}/benchmarks/extract_activations/{dataset}/{network}.tsv"
    priority: 70
    conda:
        "../../envs/environment.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=memory_of_activations,
        gpu_mb=gpu_memory_of_activations,
        runtime=runtime_of_activations,
    params:
        spec=lambda wildcards: rule_specs.activations_spec(ann_of(wildcards)),
    shell:
        "python -m spikeinit.stages.extract_activations --spec {params.spec:q} --data {input.data:q} --weights {input.weights:q}"
        ' --user-files "${{USER_FILES[@]}}"'
        " --activations {output.activations:q} --table {output.table:q}"
        " --device $DEVICE --gpu-jobs $GPU_JOBS --gpu-mb {resources.gpu_mb}"
        " --histogram {output.histogram:q} --sorted {output.sorted:q}"
        " > {log:q} 2>&1 || failed {log:q}"
