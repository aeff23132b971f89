"""A study is one declared object: what it asks, which runs answer it, and everything it ends in.

    STUDY = Study(
        name="energy",
        paper="Pärna 2025",
        question="which initial weights and decays give the network that spikes least?",
        package=__name__,
        runs=runs.runs,
        problems=runs.problems,
        published=Published(
            settings={"training": {"epochs": 50}},
            open_choices={"initializer.bias": OpenChoice(ANY, "The paper does not state the biases.")},
            not_conditions={"the number of runs is shown beside every result": ("seeds",)},
            counterparts={"mnist": ("mnist", "mnist5k")},
        ),
        tables=(Table("tables.spikes_by_run"), Table("tables.outcomes", "How many seeds trained, died or diverged.")),
        figures=(Figure("figures.firing_rates", "Distribution of firing rates on the test images."),),
        scorecard=Scorecard("checks.scorecard", "Scorecard: Pärna 2025", "Every claim of the thesis beside our runs."),
    )

The targets of the Snakefile, the schema of the configuration, the planner and the report loop over such objects.
A table or a figure is called by the name of the function that makes it, which is written nowhere else. Such functions
need pandas and matplotlib, which planning must not load. They are therefore named as text, "module.function" below the
study's package, and imported by the stage that calls them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikeinit.config.configuration import Config
    from spikeinit.config.schema import Schema
    from spikeinit.jobs.anns import Ann
    from spikeinit.jobs.runs import Run

Section = Mapping[str, Any]
"""A study's own part of the configuration."""

Problems = list[tuple[str, str]]
"""(key path, what is wrong with its value)"""


@dataclass(frozen=True)
class Output:
    """What a function of a study's package makes: `function` is "module.function", `caption` its text in the report."""

    function: str
    caption: str = ""

    @property
    def name(self) -> str:
        """The function's own name, which is the file's name too."""
        return self.function.rpartition(".")[2]

    @property
    def module(self) -> str:
        """The module of the study's package in which the function stands."""
        return self.function.rpartition(".")[0]


@dataclass(frozen=True)
class Table(Output):
    """tables/<name>.csv, made by a function from `StudyRuns` to a data frame.

    A table with a caption also comes as a page for the report; one without is too long to be read there.
    """


@dataclass(frozen=True)
class Figure(Output):
    """figures/<name>.svg and .png, drawn by a function from `StudyTables` to a matplotlib figure."""


@dataclass(frozen=True)
class Scorecard(Output):
    """scorecard.csv, .md and .html, judged by a function from `Evidence` to a list of entries. `title`: its heading."""

    title: str = ""


@dataclass(frozen=True)
class Hypotheses:
    """What is tested: the comparisons asked for under a configuration, on the table that `table` names."""

    table: str
    ask: Callable[[Config], dict[str, Any]]


ANY = "any"
"""Of an open choice: every value is compatible with the paper."""


@dataclass(frozen=True)
class OneOf:
    """A setting that a paper has in several values: each of them is as published."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class OpenChoice:
    """A key that a paper leaves open, or where what it prints and its code disagree.

    values: those that are compatible with the paper, or `ANY`; another one is a departure from it.
    statement: one sentence that tells what the paper says or leaves out, and what was taken.
    """

    values: tuple[Any, ...] | str
    statement: str


@dataclass(frozen=True)
class Departure:
    """How a configuration departs from a paper: a readable line without semicolons.

    key: path of the key below the section, which whoever compares fills in.
    """

    text: str
    key: str = ""


@dataclass(frozen=True)
class Taken:
    """What a configuration takes for an open choice: its name, the value, compatible values, the paper's statement."""

    name: str
    value: str
    compatible: str
    statement: str
    key: str = ""

    @property
    def text(self) -> str:
        """A readable line, such as "neuron.gain 1.0: Eq. 1 multiplies the input by 1 - beta."."""
        return f"{self.name} {self.value}: {self.statement}"


Finding = Departure | Taken
"""What a comparison of a configuration with a paper finds at a key."""


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What a paper states of the keys of a mapping. Each key belongs to exactly one of these declarations.

    A key that belongs to none is a departure, whatever its value: a key that was added later cannot be forgotten.

    settings: what the paper states, in the configuration's own keys, so complete that a configuration with these values
    and compatible open choices is as published. A list is compared in its order, a tuple stands for a list in any.
    open_choices: key path -> the values that are compatible with the paper. The path may lead to a whole mapping.
    not_conditions: reason -> key paths that are no conditions of the published claims, because they decide none of
    their numbers, or because what they decide is told elsewhere.
    items: key path of a list -> function from (whole section, item) to what the paper states of that item.
    compared: key path -> function from the section to what it finds there; it compares the whole value.
    unset: key path -> what holds where the configuration does not give a key for which the schema has no default.
    """

    settings: Section = field(default_factory=dict)
    open_choices: Mapping[str, OpenChoice] = field(default_factory=dict)
    not_conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    items: Mapping[str, Callable[[Section, Section], Stated]] = field(default_factory=dict)
    compared: Mapping[str, Callable[[Section], Iterable[Finding]]] = field(default_factory=dict)
    unset: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A part of a study whose claims have conditions of their own.

    keys: paths of the keys of the section that are its conditions. datasets: the configured data sets it uses.
    """

    keys: tuple[str, ...]
    datasets: tuple[str, ...] = ()


def _configured_datasets(section: Section) -> Iterable[str]:
    return section["datasets"]


def _nothing(_: Any) -> Any:
    return ()


@dataclass(frozen=True, kw_only=True)
class Published(Stated):
    """What a paper states, and which of our data sets is laid beside which of its own.

    counterparts: published data set -> the data sets whose results are laid beside it, best first.
    files: CSV files of printed numbers, in workflow/published or in the study's own package.
    datasets: the data sets that a section uses.
    parts: for a study whose claims rest on parts with conditions of their own.
    """

    counterparts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    datasets: Callable[[Section], Iterable[str]] = _configured_datasets
    parts: Callable[[Section], Mapping[str, Part]] | None = None


def _no_options(_: Config) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Study:
    """One study.

    name: of its section in the configuration, its target and its folder. paper: author and year. question: what it
    asks. package: the Python package that declares it; schema.yaml there says what its section may hold.
    runs: configuration -> its runs, in a fixed order. problems: (section, whole configuration, schema) -> what is wrong
    with the section beyond its schema. anns: the analogue networks it needs. published: what the paper states.
    tables, figures, scorecard: what it ends in, in the order of the report. hypotheses: what is tested.
    audit: "module.function" from the files of printed numbers to rows that say which of them contradict one another.
    options: what its tables take from the configuration. reads: files of analogue networks and of their activations
    that its tables are made of, such as "ann/metrics". text_columns: columns of its tables that stay text even where
    every value looks like a number. answer: "module.function" from `StudyTables` to what the runs answer, in a sentence
    or two, for the summary. key_figure: name of the figure that shows it.
    """

    name: str
    paper: str
    question: str
    package: str
    runs: Callable[[Config], list[Run]]
    problems: Callable[[Section, Section, Schema], Problems]
    published: Published
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    scorecard: Scorecard
    anns: Callable[[Config], Iterable[Ann]] = _nothing
    hypotheses: Hypotheses | None = None
    audit: str = ""
    options: Callable[[Config], dict[str, Any]] = _no_options
    reads: tuple[str, ...] = ()
    text_columns: tuple[str, ...] = ()
    answer: str = ""
    key_figure: str = ""

    @property
    def folder(self) -> Path:
        """The folder of its package."""
        return Path(sys.modules[self.package].__file__).parent

    @property
    def schema(self) -> Path:
        """The JSON schema of its section."""
        return self.folder / "schema.yaml"

    @property
    def evidence(self) -> tuple[str, ...]:
        """What its claims are judged by beside its tables: files <name>.csv in the study's folder."""
        return ("statistics", "anova") * (self.hypotheses is not None) + ("audit",) * bool(self.audit)

    def load(self, function: str) -> Callable[..., Any]:
        """The function of its package that "module.function" names; imports the module."""
        module, _, name = function.rpartition(".")
        return vars(importlib.import_module(f"{self.package}.{module}"))[name]
