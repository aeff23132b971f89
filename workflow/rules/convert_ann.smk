"""Convert an analogue network by one method and run it on the test images.

INPUTS   ann/<dataset>/<network>/weights.safetensors, thresholds/<dataset>/<network>/, the data set
OUTPUTS  runs/<study>/<run>/{accuracy_by_timesteps.csv,layers.csv,profile.json}; beside them, in no rule's output,
         runs/<study>/<run>/seeds/<n>/journal.jsonl
DECIDES  nothing: all choices were made on training images
"""


rule convert_ann:
    """Convert and simulate {wildcards.run}."""
    input:
        data=dataset_of_run,
        weights=lambda wildcards: ann_weights(run_of(wildcards)),
        thresholds=lambda wildcards: ann_thresholds(run_of(wildcards)) + neuron_thresholds(run_of(wildcards)),
    output:
        accuracy="results/{name}/runs/{study}/{run}/accuracy_by_timesteps.csv",
        layers="results/{name}/runs/{study}/{run}/layers.csv",
        profile="results/{name}/runs/{study}/{run}/profile.json",
    log:
        "results/{name}/logs/convert_ann/{study}/{run}.log",
    benchmark:
        "results/{name}/benchmarks/convert_ann/{study}/{run}.tsv"
    wildcard_constraints:
        study=studies_by("convert_ann"),
        run=runs_by("convert_ann"),
    priority: 30
    conda:
        "../../envs/environment.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=memory_of_conversion,
        gpu_mb=gpu_memory_of_run,
        runtime=runtime_of_run,
    params:
        spec=lambda wildcards: rule_specs.run_spec(run_of(wildcards)),
    shell:
        "python -m spikeinit.stages.convert_ann --spec {params.spec:q} --study {wildcards.study:q} --run {wildcards.run:q}"
        " --data {input.data:q} --weights {input.weights:q}"
        " --thresholds {input.thresholds:q}"
        " --tracking results/{wildcards.name}/tracking.json --kernel $KERNEL"
        " --device $DEVICE --gpu-jobs $GPU_JOBS --gpu-mb {resources.gpu_mb}"
        ' --user-files "${{USER_FILES[@]}}"'
        " --accuracy {output.accuracy:q} --layers {output.layers:q} --profile {output.profile:q}"
        " > {log:q} 2>&1 || failed {log:q}"
