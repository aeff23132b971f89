"""What all studies answer, on one page: CSV, Markdown, and HTML for the report."""

from __future__ import annotations

from spikeinit import io
from spikeinit.errors import run_stage
from spikeinit.stages.options import stage_parser
from spikeinit.studies.html_tables import page
from spikeinit.studies.summary import COLUMNS, Summary, to_html, to_markdown, to_rows


def main() -> None:
    parser = stage_parser(__doc__, "of the results' name")
    parser.add_argument("--answers", nargs="+", required=True, help="answer.json of every study")
    for output in ("csv", "markdown", "html"):
        parser.add_argument(f"--{output}", required=True)
    arguments = parser.parse_args()

    summaries = [Summary(**io.read_json(path)) for path in arguments.answers]
    name = arguments.spec["name"]
    io.write_csv(arguments.csv, to_rows(summaries), COLUMNS)
    io.write_text(arguments.markdown, to_markdown(summaries, name))
    io.write_text(arguments.html, page(f"Summary of {name}", to_html(summaries)))


if __name__ == "__main__":
    run_stage(main)
