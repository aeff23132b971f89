"""Under which conditions a configuration runs a study, beside those that its paper states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spikeinit.config.configuration import Config
from spikeinit.config.differences import counterparts, differences
from spikeinit.study import Part, Study


def conditions(study: Study, config: Config) -> dict[str, Any]:
    """What the claims of a study are judged under, as JSON values.

    differences: readable lines, none where the paper's numbers may be expected. datasets: published data set -> the
    configured one whose results are laid beside it, or None. parts: the same two for each part of a study whose parts
    have conditions of their own.
    """
    section, published = config.sections[study.name], study.published
    if published.parts is None:
        found = [*differences(published.settings, section), *published.departures(section)]
        return _of(Part(tuple(found), tuple(published.datasets(section))), published.counterparts)
    parts = {name: _of(part, published.counterparts) for name, part in published.parts(section).items()}
    found = [text for part in parts.values() for text in part["differences"]]
    beside = [part["datasets"] for part in parts.values()]
    return {
        "differences": list(dict.fromkeys(found)),
        "datasets": {name: next(filter(None, (one[name] for one in beside)), None) for name in published.counterparts},
        "parts": parts,
    }


def _of(part: Part, known: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {"differences": list(dict.fromkeys(part.differences)), "datasets": counterparts(known, part.datasets)}
