"""Train a converted network further, at one number of steps after the other.

INPUTS   ann/<dataset>/<network>/weights.safetensors, thresholds/<dataset>/<network>/, the data set
OUTPUTS  runs/<study>/<run>/{curves.csv,accuracy_by_timesteps.csv,layers.csv,weights.safetensors,profile.json}; beside
         them, in no rule's output, runs/<study>/<run>/seeds/<n>/ with checkpoints and journal
DECIDES  the calibrated weights
"""


rule calibrate_snn:
    """Calibrate {wildcards.run}."""
    input:
        data=dataset_of_run,
        weights=lambda wildcards: ann_weights(run_of(wildcards)),
        thresholds=lambda wildcards: ann_thresholds(run_of(wildcards)),
    output:
        curves="results/{name}/runs/{study}/{run}/curves.csv",
        accuracy="results/{name}/runs/{study}/{run}/accuracy_by_timesteps.csv",
        layers="results/{name}/runs/{study}/{run}/layers.csv",
        weights="results/{name}/runs/{study}/{run}/weights.safetensors",
        profile="results/{name}/runs/{study}/{run}/profile.json",
    log:
        "results/{name}/logs/calibrate_snn/{study}/{run}.log",
    benchmark:
        "results/{name}/benchmarks/calibrate_snn/{study}/{run}.tsv"
    wildcard_constraints:
        study=studies_by("calibrate_snn"),
        run=runs_by("calibrate_snn"),
    priority: 45
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
        "python -m spikeinit.stages.calibrate_snn --spec {params.spec:q} --study {wildcards.study:q} --run {wildcards.run:q}"
        " --data {input.data:q} --weights {input.weights:q}"
        " --thresholds {input.thresholds:q}"
        " --tracking results/{wildcards.name}/tracking.json --kernel $KERNEL --curves {output.curves:q}"
        " --device $DEVICE --gpu-jobs $GPU_JOBS --gpu-mb {resources.gpu_mb}"
        ' --user-files "${{USER_FILES[@]}}"'
        " --accuracy {output.accuracy:q} --layers {output.layers:q} --calibrated {output.weights:q}"
        " --profile {output.profile:q}"
        " > {log:q} 2>&1 || failed {log:q}"
