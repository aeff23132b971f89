"""The caption files of the report, made from what studies declare: `snakemake --report` reads captions from files."""

from __future__ import annotations

from pathlib import Path

from spikeinit.io import write_text
from spikeinit.study import Output, Study

FOLDER = Path(".snakemake/spikeinit_captions")
"""Where they are kept, in the folder Snakemake works in; it may be deleted at any time."""


def write(study: Study, output: Output) -> Path:
    """The absolute path of the caption of an output, written if it is not there as it should be."""
    kind = type(output).__name__.lower()
    path = (FOLDER / study.name / f"{kind}_{output.name}.rst").absolute()
    text = output.caption + "\n"
    if not path.is_file() or path.read_text() != text:
        write_text(path, text)
    return path
