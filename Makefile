# Front doors. Everything else is plain `snakemake`: see README.md.

PYTHON ?= python3
VENV := .venv
CORES ?= all
INSTALLED := $(VENV)/.installed

.PHONY: help reproduce report ui sync audit evidence test test-faults test-cluster docs lint format libraries bench lock

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

reproduce: $(INSTALLED)   ## the whole reproduction at laptop scale, from nothing; the energy study comes first
	$(VENV)/bin/snakemake --cores $(CORES) --prioritize energy

report: $(INSTALLED)      ## results/report.html: figures, tables, scorecard and provenance in one file
	$(VENV)/bin/snakemake --cores $(CORES)
	$(VENV)/bin/snakemake --report results/report.html

ui: $(INSTALLED)          ## the MLflow UI on http://127.0.0.1:5000
	$(VENV)/bin/mlflow ui --backend-store-uri sqlite:///results/mlflow.db --host 127.0.0.1 --port 5000

sync: $(INSTALLED)        ## bring MLflow up to date with the results, after its store was out of reach
	$(VENV)/bin/snakemake --cores $(CORES) --forcerun sync_tracking

audit: $(INSTALLED)       ## compare every result's spec with the planned one
	PYTHONPATH=workflow $(VENV)/bin/python -m spikeinit.stages.audit_results

evidence: $(INSTALLED)    ## keep the finished results of CONFIG=<overlay> in docs/evidence/, where they can be read
	PYTHONPATH=workflow $(VENV)/bin/python -m spikeinit.stages.store_evidence --configfile $(CONFIG)

test: $(INSTALLED)        ## style checks and the quick tests
	$(MAKE) --no-print-directory lint
	$(VENV)/bin/python -m pytest -n 3 --dist loadfile

test-faults: $(INSTALLED) ## the slow tests: whole workflows, killed processes, servers that hang or ask for a login, full disks
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile tests/end_to_end tests/faults
	$(VENV)/bin/python -m pytest -n 2 -m slow tests/unit tests/workflow

test-cluster: $(INSTALLED) ## the README's command on a SLURM cluster, started on this machine where SLURM is installed
	$(VENV)/bin/python -m pytest -rs tests/cluster

docs: $(INSTALLED)        ## the pages of docs/ that are made from the schema and the studies
	PYTHONPATH=workflow $(VENV)/bin/python -m spikeinit.plan.reference > docs/configuration.md
	PYTHONPATH=workflow $(VENV)/bin/python -m spikeinit.plan.conditions_page > docs/conditions.md
	PYTHONPATH=workflow $(VENV)/bin/python -m spikeinit.plan.memory_page > docs/conversion_memory.md

lint: $(INSTALLED)        ## ruff, snakefmt, snakemake --lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check Snakefile workflow/rules
	$(VENV)/bin/snakemake --lint

format: $(INSTALLED)      ## apply the formatters
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/snakefmt Snakefile workflow/rules

libraries: $(INSTALLED)   ## other libraries for spiking networks, for their readers, their tests and for bench
	$(VENV)/bin/python -m pip install --quiet --no-deps -r envs/libraries.txt

bench: $(INSTALLED)       ## our speed beside other libraries', measured in one process
	PYTHONPATH=workflow $(VENV)/bin/python tests/bench/training_step.py
	PYTHONPATH=workflow $(VENV)/bin/python tests/bench/neuron_kernel.py
	PYTHONPATH=workflow $(VENV)/bin/python tests/bench/propagation.py
	PYTHONPATH=workflow $(VENV)/bin/python tests/bench/threshold_search.py

lock: $(INSTALLED)        ## resolve envs/requirements.in anew
	$(VENV)/bin/uv pip compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links \
	    --python-version 3.11 --custom-compile-command 'make lock' --output-file envs/requirements.txt envs/requirements.in
	$(VENV)/bin/python envs/conda.py

$(INSTALLED): envs/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --require-hashes -r envs/requirements.txt
	touch $@
