"""The code in the documentation runs."""

from __future__ import annotations

import re
import warnings

import pytest

PAGES = {
    "README.md": ("snntorch",),
    "docs/initialize.md": ("snntorch",),
    "docs/library.md": ("snntorch",),
    "docs/count.md": ("snntorch", "neurobench.benchmarks"),
}
"""Page -> the libraries that its code needs. What it quotes from examples/ has tests of its own."""


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("user_code")
def test_the_code_of_a_page_runs_and_prints_what_it_says(page, checkout, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for library in PAGES[page]:
            pytest.importorskip(library)
    text = (checkout / page).read_text()
    quoted = {path.read_text() for path in (checkout / "examples").glob("*.py")}
    blocks = re.findall(r"```python\n((?:(?!```).*\n)+)```\n((?:\n(?:    .*\n|\n(?=    ))+)?)", text)
    assert blocks
    names: dict[str, object] = {}
    for code, shown in blocks:
        if code in quoted:
            continue
        exec(compile(code, page, "exec"), names)
        printed = [line.strip() for line in capsys.readouterr().out.strip().splitlines()]
        assert printed == [line.strip() for line in shown.strip().splitlines()]
