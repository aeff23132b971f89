"""Train spiking networks: one job per initialisation combination, all its seeds.

INPUTS   results/datasets/<dataset>/; for `data_driven` runs the analogue network's weights and thresholds
OUTPUTS  runs/<study>/<run>/{metrics.csv,curves.csv,iterations.csv,weights.safetensors,profile.json,spec.json}; beside them,
         in no rule's output, runs/<study>/<run>/seeds/<n>/ with checkpoint and journal: what an interrupted job resumes from
DECIDES  the trained weights, and each seed's outcome: trained, dead or diverged
"""


rule train_snn:
    input:
        data=dataset_of_run,
        ann=lambda wildcards: ann_weights(run_of(wildcards)),
        thresholds=lambda wildcards: ann_thresholds(run_of(wildcards)),
    output:
        metrics="results/{name}/runs/{study}/{run}/metrics.csv",
        curves="results/{name}/runs/{study}/{run}/curves.csv",
        iterations="results/{name}/runs/{study}/{run}/iterations.csv",
        weights="results/{name}/runs/{study}/{run}/weights.safetensors",
        profile="results/{name}/runs/{study}/{run}/profile.json",
        spec="results/{name}/runs/{study}/{run}/spec.json",
    log:
        "results/{name}/logs/train_snn/{study}/{run}.log",
    benchmark:
        "results/{name}/benchmarks/train_snn/{study}/{run}.tsv"
    wildcard_constraints:
        study=studies_by("train_snn"),
        run=runs_by("train_snn"),
    priority: 40
    conda:
        "../../envs/environment.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=memory_of_run,
        gpu_mb=gpu_memory_of_run,
        runtime=runtime_of_run,
    params:
        spec=lambda wildcards: rule_specs.training_spec(run_of(wildcards)),
    shell:
        "python -m spikeinit.stages.train_snn --spec {params.spec:q} --study {wildcards.study:q} --run {wildcards.run:q}"
        " --data {input.data:q} --tracking results/{wildcards.name}/tracking.json --kernel $KERNEL"
        " --device $DEVICE --gpu-jobs $GPU_JOBS --gpu-mb {resources.gpu_mb}"
        " --ann-weights {input.ann:q} --ann-thresholds {input.thresholds:q}"
        ' --user-files "${{USER_FILES[@]}}"'
        " --metrics {output.metrics:q} --curves {output.curves:q} --iterations {output.iterations:q}"
        " --weights {output.weights:q}"
        " --profile {output.profile:q} --record {output.spec:q}"
        " > {log:q} 2>&1 || failed {log:q}"
