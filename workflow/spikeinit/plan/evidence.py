"""Evidence of a finished run, kept in docs/evidence/ for those who do not want to run anything.

    docs/evidence/<name>/README.md                           what was run, on what, and how the claims came out
    docs/evidence/<name>/evidence.json, config.json          the same for programs; the whole configuration
    docs/evidence/<name>/<study>/scorecard.{csv,md}, ...     scorecard, tests, tables (CSV) and figures (PNG)
    docs/evidence/<name>/SHA256SUMS                          of every file but the two that are made from the others

The README is made of the other files alone, so that it can be made again and compared (`check`).
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from spikeinit.errors import UserError
from spikeinit.io import file_digest, read_csv, read_json, write_json, write_text
from spikeinit.jobs.anns import anns
from spikeinit.plan import Config, runs
from spikeinit.plan.finished import states
from spikeinit.tracking.profile import versions

FACTS, CONFIGURATION, PAGE, SUMS = "evidence.json", "config.json", "README.md", "SHA256SUMS"
JUDGED = ("scorecard.csv", "scorecard.md", "statistics.csv", "anova.csv", "audit.csv")
LARGEST_FILE = 1_000_000
"""Bytes of the largest table or figure that is kept; README names what is left out."""
LARGEST = 8_000_000
"""Bytes of all that is kept of one name."""


def store(config: Config, results: Path, folder: Path, command: str, machine: str | None = None) -> Path:
    """Keep the evidence of `results`/<name> in `folder`/<name>, in place of what was there, and return that folder.

    command: what made the results. machine: where, in words; None for the one this runs on. Raises `UserError` for
    results that are missing, unfinished, not those that `config` plans, or too large to be kept.
    """
    _check_finished(config, results)
    source, target = results / config.name / "studies", folder / f".{config.name}"
    shutil.rmtree(target, ignore_errors=True)
    left_out = []
    for study in config.studies:
        for path in _kept(source / study):
            kept = target / study / path.relative_to(source / study)
            if path.stat().st_size > LARGEST_FILE:
                left_out.append({"file": str(kept.relative_to(target)), "sha256": file_digest(path)})
                continue
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, kept)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    if size > LARGEST:
        shutil.rmtree(target)
        raise UserError(f"{source}: {size:,} bytes of evidence, at most {LARGEST:,}; run fewer studies by this name")
    write_json(target / CONFIGURATION, _configuration(config))
    write_json(target / FACTS, _facts(config, results, command, machine, left_out))
    write_text(target / SUMS, _sums(target))
    write_text(target / PAGE, page(target))
    kept = folder / config.name
    shutil.rmtree(kept, ignore_errors=True)
    target.rename(kept)
    write_text(folder / PAGE, index(folder))
    return kept


def _check_finished(config: Config, results: Path) -> None:
    missing = [
        study for study in config.studies if not (results / config.name / "studies" / study / JUDGED[0]).is_file()
    ]
    if missing:
        raise UserError(
            f"{results / config.name}: no scorecard of {', '.join(missing)}; run the workflow with this configuration"
        )
    wrong = [f"{state} {study}/{run}" for study, run, state in states(config, results) if state != "current"]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise UserError(f"{results / config.name}: not what is planned: {', '.join(wrong[:3])}{more}; run the workflow")


def _kept(study: Path) -> Iterator[Path]:
    yield from (study / name for name in JUDGED if (study / name).is_file())
    yield from sorted((study / "tables").glob("*.csv"))
    yield from sorted((study / "figures").glob("*.png"))


def _configuration(config: Config) -> dict[str, Any]:
    """Everything that decides the results; where data, a user's files and the MLflow store lie does not."""
    values = asdict(replace(config, known={}, schema=None))
    private = ("known", "schema", "data_root", "tracking_uri", "tracking_enabled")
    sections = {study: values["sections"][study] for study in config.studies}
    files = {key: [Path(path).name for path in values[key]] for key in ("user_files", "study_files")}
    own = {name: entry | {"path": Path(entry["path"]).name} for name, entry in values["custom_datasets"].items()}
    kept = {key: value for key, value in values.items() if key not in private}
    return kept | files | {"custom_datasets": own, "sections": sections}


def _facts(
    config: Config, results: Path, command: str, machine: str | None, left_out: list[dict[str, str]]
) -> dict[str, Any]:
    home = results / config.name
    planned = [home / "runs" / study / run.name for study in config.studies for run in runs(config, study)]
    trained = ((key, ann.study) for key, ann in anns(config).items())
    planned += [home / "ann" / dataset / network for (dataset, network), study in trained if study in config.studies]
    profiles = [read_json(folder / "profile.json") for folder in planned if (folder / "profile.json").is_file()]
    cards = [home / "studies" / study / JUDGED[0] for study in config.studies]
    finished = max(path.stat().st_mtime for path in cards)
    return {
        "name": config.name,
        "command": command,
        "studies": {
            study: {
                "paper": config.known[study].paper,
                "question": config.known[study].question,
                "captions": {
                    output.name: output.caption
                    for output in (*config.known[study].figures, *config.known[study].tables)
                    if output.caption
                },
            }
            for study in config.studies
        },
        "finished": datetime.fromtimestamp(finished, UTC).strftime("%Y-%m-%d"),
        "machine": machine or this_machine(),
        "devices": sorted({_device(profile) for profile in profiles}),
        "measured_jobs": len(profiles),
        "cpu_hours": round(sum(profile["cpu"]["seconds"] for profile in profiles) / 3600, 2),
        "versions": {key: value for profile in profiles for key, value in profile["versions"].items()} or versions(),
        "commit": _commit(),
        "left_out": left_out,
    }


def _device(profile: Mapping[str, Any]) -> str:
    gpu = profile["gpu"]
    return gpu.get("name", profile["device"]) if gpu else profile["device"]


def this_machine() -> str:
    """Processor, cores and memory, for example "AMD EPYC, 2 cores, 24 GiB"."""
    names = [line for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    processor = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).is_file() else []


def _commit() -> str:
    """The commit of the code that made the evidence, with a word where files differ from it; "unknown" without git."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "workflow", "config.yaml", "Snakefile")
        return git("rev-parse", "HEAD") + (" with changes that were not committed" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _files(folder: Path) -> list[Path]:
    """What the sums are of: everything but the page and the sums."""
    made = (PAGE, SUMS)
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not (path.parent == folder and path.name in made))


def _sums(folder: Path) -> str:
    return "".join(f"{file_digest(path)}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder))


def page(folder: Path) -> str:
    """README.md of kept evidence, made of its other files."""
    facts = read_json(folder / FACTS)
    if facts["measured_jobs"]:
        measured = (
            f"- Machine: {facts['machine']}. Trained and converted on: {', '.join(facts['devices'])}.",
            f"- {facts['measured_jobs']} trained, converted or calibrated networks. The last job of each took"
            f" {facts['cpu_hours']:g} hours of processor time together; seeds that earlier jobs had trained are not in"
            " it.",
        )
    else:
        measured = (
            f"- Machine: {facts['machine']}.",
            "- No network is trained or converted. Only such jobs record device, processor time and the versions of"
            " libraries, so that the versions here are those that kept this.",
        )
    versions = ", ".join(f"{name} {version}" for name, version in sorted(facts["versions"].items())) or "none recorded"
    lines = [
        f"# Evidence: {facts['name']}",
        "",
        f"Made by `{facts['command']}` and finished on {facts['finished']}. Nothing in this folder is written by hand.",
        "",
        *measured,
        f"- Versions: {versions}.",
        f"- Code: commit {facts['commit']}, which was checked out when this was kept. The specs of all runs are those"
        " that it plans.",
        f"- The whole configuration: [{CONFIGURATION}]({CONFIGURATION}). Sums of all files: [{SUMS}]({SUMS}).",
    ]
    lines += [f"- Too large to be kept: {one['file']} (sha256 {one['sha256']})." for one in facts["left_out"]]
    for study, about in facts["studies"].items():
        lines += ["", f"## {study} ({about['paper']})", "", f"The question: {about['question']}", ""]
        lines += ["| verdict | claims and printed numbers |", "|---|---|"]
        lines += [f"| {verdict} | {count} |" for verdict, count in verdicts(folder / study).items()]
        lines += ["", f"Each of them: [scorecard]({study}/scorecard.md), [as CSV]({study}/scorecard.csv)."]
        for path in sorted((folder / study / "figures").glob("*.png")):
            where = path.relative_to(folder).as_posix()
            lines += ["", f"![{path.stem}]({where})", "", about["captions"].get(path.stem, "")]
        lines += ["", "Tables:", ""]
        for path in sorted((folder / study).glob("**/*.csv")):
            caption = about["captions"].get(path.stem, "")
            where = path.relative_to(folder).as_posix()
            lines.append(f"- [{path.stem}]({where})" + (f": {caption}" if caption else ""))
    return "\n".join(lines) + "\n"


def verdicts(study: Path) -> dict[str, int]:
    """Verdict -> how many lines of a study's scorecard have it, the most frequent first."""
    return dict(Counter(row["verdict"] for row in read_csv(study / JUDGED[0])).most_common())


def index(folder: Path) -> str:
    """README.md of docs/evidence/: what is kept."""
    lines = [
        "# Evidence",
        "",
        "Results that were run and kept, so that their verdicts can be seen without running anything. Each folder is",
        "made by one command after the workflow has finished, for example",
        "`make evidence CONFIG=workflow/overlays/sensitivity_published.yaml`.",
        "",
        "| evidence | studies | finished | verdicts |",
        "|---|---|---|---|",
    ]
    for path in sorted(folder.glob(f"*/{FACTS}")):
        facts = read_json(path)
        counts: Counter[str] = Counter()
        for study in facts["studies"]:
            counts.update(verdicts(path.parent / study))
        said = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        name = facts["name"]
        lines.append(f"| [{name}]({name}/{PAGE}) | {', '.join(facts['studies'])} | {facts['finished']} | {said} |")
    return "\n".join(lines) + "\n"


def check(folder: Path) -> list[str]:
    """What is wrong with kept evidence, in words: files that were changed, added or lost, and a page of other files."""
    named = dict(reversed(line.split("  ", 1)) for line in (folder / SUMS).read_text().splitlines())
    found = {path.relative_to(folder).as_posix(): file_digest(path) for path in _files(folder)}
    wrong = [
        f"{file}: not as it was kept" for file in sorted(named.keys() & found.keys()) if named[file] != found[file]
    ]
    wrong += [f"{file}: missing" for file in sorted(named.keys() - found.keys())]
    wrong += [f"{file}: not among the sums" for file in sorted(found.keys() - named.keys())]
    if not wrong and (folder / PAGE).read_text() != page(folder):
        wrong.append(f"{PAGE}: not made of these files")
    return wrong
