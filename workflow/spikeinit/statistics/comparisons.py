"""Which groups of runs a study compares: data, light enough to be imported while planning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from spikeinit.errors import UserError

ALTERNATIVES = ("less", "greater", "two-sided")
MEASURES = ("spikes", "accuracy")


@dataclass(frozen=True)
class Comparison:
    """Runs at level `a` of `factor` against runs at level `b`, pooled over every other factor.

    `factor` is a column of the table of runs. `alternative` is the direction of a - b that the study claims; the
    other two are reported beside it. `measures`: "spikes" (every layer) and, or, "accuracy". `where` keeps only rows
    with these values, e.g. {"initializer": "normal"}.
    """

    name: str
    factor: str
    a: str | float
    b: str | float
    alternative: str = "two-sided"
    measures: tuple[str, ...] = ("spikes",)
    where: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.alternative not in ALTERNATIVES:
            raise UserError(
                f"comparison {self.name}: alternative {self.alternative!r} is none of {', '.join(ALTERNATIVES)}"
            )
        if not self.measures or set(self.measures) - set(MEASURES):
            raise UserError(f"comparison {self.name}: measures {list(self.measures)} must be among {list(MEASURES)}")

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Comparison:
        """From a specification's JSON object; `UserError` names an unknown or missing key."""
        try:
            return cls(**{**spec, "measures": tuple(spec.get("measures", ("spikes",)))})
        except TypeError as error:
            raise UserError(f"comparison {spec.get('name', spec)}: {error}") from None

    def to_spec(self) -> dict[str, Any]:
        """The JSON object that `from_spec` reads."""
        return {**asdict(self), "measures": list(self.measures), "where": dict(self.where)}
