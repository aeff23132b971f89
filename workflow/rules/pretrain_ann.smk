"""Train an analogue network, or take its weights from a file: one rule for each study that has such networks.

INPUTS   results/datasets/<dataset>/, and for a network with ready weights the file that the configuration names
OUTPUTS  ann/<dataset>/<network>/{weights.safetensors,metrics.csv,curves.csv,profile.json}; beside them, in no rule's output,
         runs/<study>/ann_<dataset>_<network>/seeds/<n>/ with checkpoint and journal, for a job that was interrupted
DECIDES  the weights that are converted: those of the last epoch, chosen by no image
"""

for study in sorted({ann.study for ann in ANNS.values()}):

    rule:
        name:
            f"pretrain_ann_{study}"
        input:
            data="results/datasets/{dataset}/manifest.json",
            pretrained=lambda wildcards: ann_of(wildcards).pretrained or [],
        output:
            weights="results/{name}/ann/{dataset}/{network}/weights.safetensors",
            metrics="results/{name}/ann/{dataset}/{network}/metrics.csv",
            curves="results/{name}/ann/{dataset}/{network}/curves.csv",
            profile="results/{name}/ann/{dataset}/{network}/profile.json",
        log:
            "results/{name}/logs/pretrain_ann/{dataset}/{network}.log",
        benchmark:
            "results/{name}/benchmarks/pretrain_ann/{dataset}/{network}.tsv"
        wildcard_constraints:
            network=any_of(sorted({ann.network for ann in ANNS.values() if ann.study == study})),
        priority: 80
        conda:
            "../../envs/environment.yaml"
        threads: CONFIG.threads
        resources:
            mem_mb=memory_of_pretraining,
            gpu_mb=gpu_memory_of_pretraining,
            runtime=runtime_of_pretraining,
        params:
            spec=lambda wildcards: rule_specs.ann_spec(ann_of(wildcards)),
            study=study,
        shell:
            "python -m spikeinit.stages.pretrain_ann --spec {params.spec:q} --study {params.study}"
            " --run ann_{wildcards.dataset}_{wildcards.network} --network {wildcards.network:q}"
            " --runs results/{wildcards.name}/runs"
            " --data {input.data:q} --tracking results/{wildcards.name}/tracking.json --pretrained={input.pretrained:q}"
            " --device $DEVICE --gpu-jobs $GPU_JOBS --gpu-mb {resources.gpu_mb}"
            ' --user-files "${{USER_FILES[@]}}"'
            " --weights {output.weights:q} --metrics {output.metrics:q} --curves {output.curves:q} --profile {output.profile:q}"
            " > {log:q} 2>&1 || failed {log:q}"
