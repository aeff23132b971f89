"""docs/conditions.md: how "as published" is decided, and what each paper leaves open, from what the studies declare.

`python -m spikeinit.plan.conditions_page > docs/conditions.md` writes the page anew, and so does `make docs`.
"""

from __future__ import annotations

from collections.abc import Iterator

from spikeinit.config.configuration import Config
from spikeinit.config.differences import compared
from spikeinit.plan import load_config
from spikeinit.study import Departure, Study, Taken

PAPER_SCALE = ("config.yaml", "workflow/overlays/paper.yaml")

INTRODUCTION = """# When a result counts as published

This page is made from what the studies declare. Change `conditions.py` of a study, and `make docs` writes it anew.

For instance the energy study trains for 5 epochs at laptop scale, and the thesis for 50. So its claims are *scaled
down*, and the scorecard says `training.epochs 5 instead of 50`. A claim is judged *reproduced* or *not reproduced* only
where the configuration departs from the paper in nothing, and where the data set is the paper's own.

Each key of a study's section is one of three things:

- A *setting*: the paper states its value. Another value is a departure.
- An *open choice*: the paper does not state it, or prints one value while its code has another. Some values are
  compatible with the paper, or any is. Another value is a departure. The scorecard lists the values that were taken.
- *No condition*: it decides no number of the published claims, or what it decides is told elsewhere.

A key that is none of the three is a departure whatever its value. So a new key cannot be forgotten.

The lists below hold for the configuration at paper scale, `workflow/overlays/paper.yaml`. `[]` stands for each item of
a list.
"""

COLUMNS = ("key", "taken", "compatible", "what the paper says")


def page(config: Config) -> str:
    """The whole page in Markdown, for a configuration at paper scale."""
    return "\n".join([INTRODUCTION, *(line for study in config.known.values() for line in _study(study, config))])


def _study(study: Study, config: Config) -> Iterator[str]:
    found = compared(study.published, config.sections[study.name])
    departures = dict.fromkeys(one.text for one in found if isinstance(one, Departure))
    yield f"## {study.name} ({study.paper})\n"
    if departures:
        yield "Departures that hold at paper scale too:\n"
        yield "".join(f"- {text}\n" for text in departures)
    else:
        yield "At paper scale the study departs in nothing that the paper states.\n"
    taken = dict.fromkeys(
        (one.name, one.value, one.compatible, one.statement) for one in found if isinstance(one, Taken)
    )
    lines = [COLUMNS, ("---",) * len(COLUMNS), *((f"`{name}`", *others) for name, *others in taken)]
    yield "Open choices:\n"
    yield "".join(f"| {' | '.join(line)} |\n" for line in lines)
    yield "No conditions:\n"
    keys = {reason: ", ".join(f"`{key}`" for key in paths) for reason, paths in study.published.not_conditions.items()}
    yield "".join(f"- {names}. {reason}\n" for reason, names in keys.items())


if __name__ == "__main__":
    print(page(load_config(PAPER_SCALE)), end="")
