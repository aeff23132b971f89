"""Evaluate the networks of many short runs in one job.

INPUTS   runs/<study>/<run>/weights.safetensors of the batch, results/datasets/<dataset>/
OUTPUTS  runs/<study>/<run>/{accuracy.csv,spikes.csv,energy.csv,rates.csv} of the batch
DECIDES  the same as evaluate_snn
"""

for study, batches in BATCHES.items():
    for batch in batches:

        rule:
            name:
                f"evaluate_batch_{study}_{batch}"
            input:
                data=dataset_of_batch(study, batch),
                weights=[f"{folder}/weights.safetensors" for folder in folders_of_batch(study, batch)],
            output:
                [f"{folder}/{file}" for folder in folders_of_batch(study, batch) for file in EVALUATED],
            log:
                f"{RESULTS}/logs/evaluate_batch/{study}/{batch}.log",
            benchmark:
                f"{RESULTS}/benchmarks/evaluate_batch/{study}/{batch}.tsv"
            conda:
                "../../envs/environment.yaml"
            threads: CONFIG.threads
            resources:
                mem_mb=memory_of_batch(study, batch),
                runtime=240,
            params:
                spec=requests.evaluation_batch_spec(batches[batch]),
                study=study,
            shell:
                "stage {log:q} evaluate_batch --spec {params.spec:q} --runs"
                f" {RESULTS}/runs/{{params.study}}"
                " --data {input.data:q} --device $DEVICE --kernel $KERNEL"
