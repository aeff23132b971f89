"""Claims and their checks: files that fit one another, the order of lines, conditions by part, printed cells."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from spikeinit.errors import UserError
from spikeinit.studies.claims import COLUMNS, Checks, Claim, OurResult, PrintedTable, judged, read_claims, rows_of
from spikeinit.studies.scorecard import Conditions, Evidence
from spikeinit.studies.table_tools import StudyTables

HEADER = ",".join(COLUMNS)
CHECKS = Checks("mine/checks.py")


@CHECKS.check
def always(evidence, claim):
    return OurResult(claim.id, agrees=True, note=evidence.conditions.text())


@CHECKS.check_on_datasets
def named(evidence, claim, *datasets):
    return OurResult(" and ".join(datasets), agrees=False)


def write(folder, *rows, header=HEADER):
    path = folder / "paper_claims.csv"
    path.write_text("\n".join([header, *rows, ""]))
    return path


def evidence(datasets=(), differences=(), parts=None, published=None):
    tables = StudyTables("nowhere", {"parts": parts or {}})
    nothing = pd.DataFrame()
    return Evidence(tables, nothing, nothing, published or {}, Conditions(differences, dict(datasets)), 0.95)


BOTH = (
    "b,Sec. 2,second,stated,mnist;nmnist,,named,,",
    'a,Sec. 1,"first, in words",1.60,,,always,Table 1 has 2,a note',
)


def test_a_row_is_a_claim(tmp_path):
    second, first = read_claims(write(tmp_path, *BOTH), CHECKS)
    assert second == Claim("b", "Sec. 2", "second", "stated", ("mnist", "nmnist"), check="named")
    note = {"contradicted": "Table 1 has 2", "note": "a note"}
    assert first == Claim("a", "Sec. 1", "first, in words", "1.60", check="always", **note)


def test_lines_stand_in_the_order_of_the_file_with_every_note(tmp_path):
    claims = read_claims(write(tmp_path, *BOTH), CHECKS)
    lines = judged(claims, CHECKS, evidence({"mnist": "digits", "nmnist": "nmnist"}))
    assert [line.claim for line in lines] == ["b", "a"]
    assert [line.ours for line in lines] == ["digits and nmnist", "a"]
    assert [line.verdict for line in lines] == ["scaled down", "contradicted by the paper's own tables"]
    assert lines[1].note == "Table 1 has 2; a note; as published"
    assert lines[1].published == "1.60"


def test_a_check_on_data_sets_is_not_asked_where_one_was_not_run(tmp_path):
    claims = read_claims(write(tmp_path, *BOTH), CHECKS)
    line = judged(claims, CHECKS, evidence({"mnist": "mnist", "nmnist": None}))[0]
    assert (line.ours, line.direction, line.conditions) == ("", "", "nmnist not run")


def test_the_rows_of_a_claim_are_those_of_its_data_sets(tmp_path):
    """The data set that stands for the claim's, and no other; nothing where none was run."""
    frame = pd.DataFrame({"dataset": ["mnist5k", "digits", "mnist5k"], "value": [1, 2, 3]})
    ran = {"mnist": "mnist5k", "cifar10": None, "fashion_mnist": "digits"}
    found = replace(evidence(ran), tables=StudyTables.of({"runs": frame}, {}))

    def values(*datasets):
        return list(rows_of(found, Claim("a", "", "", "", datasets), "runs")["value"])

    assert values("mnist") == [1, 3]
    assert values("mnist", "cifar10") == [1, 3]
    assert values("mnist", "fashion_mnist") == [1, 2, 3]
    assert values("cifar10") == []
    assert values() == [1, 2, 3]


def test_a_claim_has_the_conditions_of_its_part():
    parts = {"small": {"differences": ["width 1 instead of 2"], "datasets": {}, "open_choices": []}}
    claims = [Claim(name, "", "", "", part=name, check="always") for name in ("", "small")]
    whole, part = judged(claims, CHECKS, evidence(parts=parts))
    assert (whole.verdict, whole.conditions, whole.note) == ("reproduced", "as published", "as published")
    assert (part.verdict, part.conditions, part.note) == ("scaled down", *2 * ("width 1 instead of 2",))
    with pytest.raises(UserError, match=r"claim 'x': its part is 'large'; .*: small"):
        judged([Claim("x", "", "", "", part="large", check="always")], CHECKS, evidence(parts=parts))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            (*BOTH, "c,,,,,,absent,,"),
            r"paper_claims\.csv: claim 'c' names the check 'absent', which mine/checks\.py does not",
        ),
        (BOTH[:1], r"mine/checks\.py: no claim of .*paper_claims\.csv names the check 'always'"),
        ((*BOTH, BOTH[0]), r"paper_claims\.csv: 2 claims have the id 'b'"),
        ((*BOTH, "c,Sec. 1,too short"), "every row must have the columns id,place,statement"),
        ((*BOTH, "c,,,,,,always,,,too long"), "every row must have the columns id,place,statement"),
        ((), "every row must have the columns id,place,statement"),
    ],
)
def test_claims_and_checks_that_do_not_fit_are_refused(rows, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read_claims(write(tmp_path, *rows), CHECKS)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_claims(tmp_path / "absent.csv", CHECKS)
    with pytest.raises(UserError, match="every row must have the columns"):
        read_claims(write(tmp_path, "1,2", header="claim_id,claim"), CHECKS)


def test_a_name_is_registered_once():
    checks = Checks("mine/checks.py")
    checks.add("always", always)
    with pytest.raises(ValueError, match=r"mine/checks\.py: there are two checks 'always'"):
        checks.check(always)


def test_a_printed_table_has_a_line_for_every_cell_of_its_own(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("dataset,by,accuracy\nmnist,them,97.5\nmnist,others,90\nnmnist,them,99\n")

    def claim(row):
        if row["by"] != "them":
            return None
        return Claim(row["dataset"], "Table 1", "accuracy", f"{row['accuracy']:.1f}", (row["dataset"],))

    def ours(evidence, row):
        return [98.0] if row["dataset"] == "mnist" else []

    def match(ours, row, evidence, cells):
        return OurResult(str(ours[0]), n=str(cells), agrees=abs(ours[0] - row["accuracy"]) < 1)

    scaled = evidence({"mnist": "mnist", "nmnist": "nmnist"}, ("T 1 instead of 2",), published={"cells": path})
    run, not_run = PrintedTable("cells", claim, ours, match).judged(scaled)
    assert (run.published, run.ours, run.verdict, run.direction) == ("97.5", "98.0", "scaled down", "agrees")
    assert (not_run.claim, not_run.published, not_run.ours, not_run.direction) == ("nmnist", "99.0", "", "")
    arithmetic = PrintedTable("cells", lambda row: Claim("x", "", "", ""), ours, match, needs_runs=False)
    lines = arithmetic.judged(scaled)
    assert [line.verdict for line in lines] == ["reproduced", "not reproduced", "not run"]
    assert {line.n for line in lines if line.ours} == {"2"}  # the cells that are compared at once
    whole = replace(arithmetic, together=Claim("all", "Table 1", "all of them", "stated")).judged(scaled)
    assert (whole[0].claim, whole[0].verdict) == ("all", "not reproduced")
    assert whole[0].ours == "1 of 2 within the margin, 1 outside, 0 left open"
    assert whole[1:] == lines
    marked = replace(
        arithmetic,
        claim=lambda row: Claim("x", "", "", "", contradicted="by Table 2"),
        together=Claim("all", "", "", ""),
    )
    assert marked.judged(scaled)[0].verdict == "not run"  # cells that the paper itself contradicts do not count
