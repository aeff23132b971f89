"""Under which conditions a configuration runs a study, beside those that its paper states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spikeinit.config.configuration import Config
from spikeinit.config.differences import compared, counterparts
from spikeinit.config.paths import below
from spikeinit.study import Departure, Finding, Study, Taken


def conditions(study: Study, config: Config) -> dict[str, Any]:
    """What the claims of a study are judged under, as JSON values.

    differences: readable lines, none where the paper's numbers may be expected. open_choices: readable lines that tell
    what was taken where the paper leaves something open. datasets: published data set -> the configured one whose
    results are laid beside it, or None. parts: the same three for each part of a study whose parts have conditions of
    their own.
    """
    section, published = config.sections[study.name], study.published
    found = compared(published, section)
    if published.parts is None:
        return _of(found, published.counterparts, tuple(published.datasets(section)))
    parts = {
        name: _of([one for one in found if below(one.key, part.keys)], published.counterparts, part.datasets)
        for name, part in published.parts(section).items()
    }
    whole = _of(found, published.counterparts, ())
    beside = {
        name: next(filter(None, (part["datasets"][name] for part in parts.values())), None)
        for name in published.counterparts
    }
    return {**whole, "datasets": beside, "parts": parts}


def _of(found: Sequence[Finding], known: Mapping[str, tuple[str, ...]], datasets: tuple[str, ...]) -> dict[str, Any]:
    departures = [one.text for one in found if isinstance(one, Departure)]
    taken = [one.text for one in found if isinstance(one, Taken)]
    return {
        "differences": list(dict.fromkeys(departures)),
        "open_choices": list(dict.fromkeys(taken)),
        "datasets": counterparts(known, datasets),
    }
