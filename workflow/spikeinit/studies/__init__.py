"""The studies: one package each, which declares a `spikeinit.study.Study`. A new one is one more line here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from spikeinit import user_files
from spikeinit.errors import UserError
from spikeinit.names.slugs import NAME_PATTERN, NAME_RULE
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

    Raises `UserError` for a folder that is no package, a package that cannot be imported or declares no study, and a
    study whose name is taken, or none that a folder may have on every file system.
    """
    found = dict(STUDIES)
    places = dict.fromkeys(STUDIES, "this package")
    for path in filter(None, study_files):
        if not (Path(path) / "__init__.py").is_file():
            raise UserError(f"study_files: {path}: no such package; a study is a folder with an __init__.py")
        study = vars(user_files.load(path, registers=False)).get("STUDY")
        if not isinstance(study, Study):
            raise UserError(f"study_files: {path}: declares no study; its __init__.py must set STUDY = Study(...)")
        if study.name in found:
            raise UserError(
                f"study_files: study {study.name!r} is declared by {places[study.name]} and by {path}; give yours"
                " another name"
            )
        if not re.fullmatch(NAME_PATTERN, study.name):
            raise UserError(f"study_files: study {study.name!r} of {path}: {NAME_RULE}; give it such a name")
        found[study.name], places[study.name] = study, str(path)
    return found
