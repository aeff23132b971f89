"""The caption files of the report, made from what studies declare: `snakemake --report` reads captions from files."""

from __future__ import annotations

from pathlib import Path

from spikeinit.io import write_text
from spikeinit.study import Output, Study

FOLDER = Path(".snakemake/spikeinit_captions")
"""Where they are kept, in the folder Snakemake works in; it may be deleted at any time."""


SUMMARY = "What each study asks, what its runs answer, and how the lines of its scorecard came out. Start here."


def write(study: Study, output: Output) -> Path:
    """The absolute path of the caption of an output, written if it is not there as it should be."""
    kind = type(output).__name__.lower()
    return _written(f"{study.name}/{kind}_{output.name}.rst", output.caption)


def of_summary() -> Path:
    """The same of the summary."""
    return _written("summary.rst", SUMMARY)


def _written(name: str, caption: str) -> Path:
    path = (FOLDER / name).absolute()
    text = caption + "\n"
    if not path.is_file() or path.read_text() != text:
        write_text(path, text)
    return path
