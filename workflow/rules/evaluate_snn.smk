"""Evaluate trained networks on the test images: accuracy, spikes per layer, operations and energy.

INPUTS   runs/<study>/<run>/weights.safetensors, results/datasets/<dataset>/
OUTPUTS  runs/<study>/<run>/{spikes.csv,accuracy.csv,energy.csv,rates.csv}
DECIDES  the test spikes' random stream, one per seed
"""


rule evaluate_snn:
    input:
        data=dataset_of_run,
        weights="results/{name}/runs/{study}/{run}/weights.safetensors",
    output:
        accuracy="results/{name}/runs/{study}/{run}/accuracy.csv",
        spikes="results/{name}/runs/{study}/{run}/spikes.csv",
        energy="results/{name}/runs/{study}/{run}/energy.csv",
        rates="results/{name}/runs/{study}/{run}/rates.csv",
    log:
        "results/{name}/logs/evaluate_snn/{study}/{run}.log",
    benchmark:
        "results/{name}/benchmarks/evaluate_snn/{study}/{run}.tsv"
    wildcard_constraints:
        study=studies_by("train_snn"),
        run=runs_by("train_snn"),
    priority: 10
    conda:
        "../../envs/environment.yaml"
    threads: CONFIG.threads
    resources:
        mem_mb=memory_of_evaluation,
        gpu_mb=gpu_memory_of_evaluation,
        runtime=runtime_of_evaluation,
    params:
        spec=lambda wildcards: rule_specs.evaluation_spec(run_of(wildcards)),
    shell:
        "python -m spikeinit.stages.evaluate_snn --spec {params.spec:q} --data {input.data:q} --weights {input.weights:q}"
        ' --user-files "${{USER_FILES[@]}}"'
        " --kernel $KERNEL --accuracy {output.accuracy:q} --spikes {output.spikes:q}"
        " --device $DEVICE --gpu-jobs $GPU_JOBS --gpu-mb {resources.gpu_mb}"
        " --energy {output.energy:q} --rates {output.rates:q}"
        " > {log:q} 2>&1 || failed {log:q}"
