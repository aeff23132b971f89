"""Choose thresholds and initial potentials from activations, for every number of steps.

INPUTS   activations/<dataset>/<network>/activations.safetensors
OUTPUTS  thresholds/<dataset>/<network>/{thresholds.csv,neurons.safetensors}
DECIDES  threshold and initial potential of every layer, by every rule that the configuration's methods ask for
"""


rule optimize_thresholds:
    """Thresholds of {wildcards.network} on {wildcards.dataset}."""
    input:
        "results/{name}/activations/{dataset}/{network}/activations.safetensors",
    output:
        thresholds="results/{name}/thresholds/{dataset}/{network}/thresholds.csv",
        neurons="results/{name}/thresholds/{dataset}/{network}/neurons.safetensors",
    log:
        "results/{name}/logs/optimize_thresholds/{dataset}/{network}.log",
    benchmark:
        "results/{name}/benchmarks/optimize_thresholds/{dataset}/{network}.tsv"
    priority: 60
    conda:
        "../../envs/environment.yaml"
    threads: 1
    resources:
        mem_mb=memory_of_activations,
        runtime=runtime_of_thresholds,
    params:
        spec=lambda wildcards: rule_specs.thresholds_spec(ann_of(wildcards)),
    shell:
        "python -m spikeinit.stages.optimize_thresholds --spec {params.spec:q} --activations {input:q}"
        " --thresholds {output.thresholds:q} --neurons {output.neurons:q}"
        " > {log:q} 2>&1 || failed {log:q}"
