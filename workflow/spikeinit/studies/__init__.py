"""The studies: one package each, which declares a `spikeinit.study.Study`. A new one is one more line here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from spikeinit import user_files
from spikeinit.errors import UserError
from spikeinit.studies.asymptote import STUDY as ASYMPTOTE
from spikeinit.studies.conversion import STUDY as CONVERSION
from spikeinit.studies.energy import STUDY as ENERGY
from spikeinit.studies.propagation import STUDY as PROPAGATION
from spikeinit.studies.sensitivity import STUDY as SENSITIVITY
from spikeinit.study import Study

STUDIES = {study.name: study for study in (ENERGY, PROPAGATION, CONVERSION, ASYMPTOTE, SENSITIVITY)}
"""This package's studies by name, in the order in which they appear everywhere."""


def known_studies(study_files: Iterable[str | Path] = ()) -> dict[str, Study]:
    """This package's studies and then those that the user's own packages declare as STUDY, by name.

    Raises `UserError` for a package that cannot be imported, declares no study, or one whose name is taken.
    """
    found = dict(STUDIES)
    for path in filter(None, study_files):
        study = vars(user_files.load(path, registers=False)).get("STUDY")
        if not isinstance(study, Study):
            raise UserError(f"{path}: declares no study; its __init__.py must set STUDY = Study(...)")
        if study.name in found:
            raise UserError(f"{path}: there is a study {study.name!r} already; give yours another name")
        found[study.name] = study
    return found
