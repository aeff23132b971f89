"""The store's address: where it comes from, and that its secrets are in nothing that is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikeinit.io import write_json
from spikeinit.tracking import address
from spikeinit.tracking.connection import explain
from spikeinit.tracking.settings import read_settings
from spikeinit.tracking.sync import OFF, unrecorded


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://alice:secret@db:5432/mlflow", "postgresql://alice:***@db:5432/mlflow"),
        ("postgresql://alice:s:e@c/r#e?t@db/mlflow", "postgresql://alice:***@db/mlflow"),
        ("postgresql://alice:@db/mlflow", "postgresql://alice:***@db/mlflow"),
        ("postgresql+psycopg2://alice:pa{ss}w@db/mlflow", "postgresql+psycopg2://alice:***@db/mlflow"),
        ("postgresql://alice@db/mlflow", "postgresql://alice@db/mlflow"),
        ("postgresql://db/mlflow?user=alice&password=secret", "postgresql://db/mlflow?user=alice&password=***"),
        ("https://token@host:5000", "https://***@host:5000"),
        ("https://alice:secret@host:5000/path", "https://alice:***@host:5000/path"),
        ("https://host/?api_key=secret&x=1", "https://host/?api_key=***&x=1"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("sqlite:///results/mlflow.db", "sqlite:///results/mlflow.db"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
    ],
)
def test_an_address_is_shown_without_its_secrets(uri, shown):
    assert address.shown(uri) == shown
    assert address.shown(shown) == shown
    assert address.without_secrets(f'could not reach "{uri}", sorry') == f'could not reach "{shown}", sorry'


PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=3, max_size=12)


@given(PASSWORDS)
def test_no_message_holds_a_password_whatever_letters_it_has(password):
    """Neither as it was given, nor decoded, nor the part of it that a library takes for the host."""
    from urllib.parse import quote, unquote

    for given_form in (password, quote(password, safe="")):
        uri = f"postgresql://alice:{given_form}@127.0.0.1:1/mlflow"
        said = explain(uri, ValueError(f"no host {given_form.split('@')[-1]}@127, {uri}, {unquote(given_form)}"))
        for form in (password, given_form):
            assert form not in said or form in "MLflow at postgresql://alice:***@127.0.0.1:1/mlflow: no host @127, "


def test_a_password_that_libraries_read_differently_is_refused_without_being_shown():
    said = address.problem("postgresql://alice:p@ss/w@db/mlflow")
    assert "percent-encoded" in said
    assert "p@ss" not in said
    assert "ss/w" not in said
    assert address.problem("postgresql://alice:p%40ss%2Fw@db/mlflow") == ""
    assert address.problem("postgresql://alice:pa{ss}w@db/mlflow") == ""
    assert address.problem("sqlite:////home/a@b/x.db") == ""


def test_the_address_is_the_configured_one_then_mlflows_own_then_a_file(monkeypatch):
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://alice:secret@host")
    assert address.configured("sqlite:///~/runs.db") == ("sqlite:////home/alice/runs.db", "")
    uri, note = address.configured(None)
    assert uri == "https://alice:secret@host"
    assert note == "tracking: MLFLOW_TRACKING_URI is set, so runs are recorded at https://alice:***@host"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert address.configured(None) == (address.DEFAULT, "")


def test_settings_take_the_password_of_the_same_store_from_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "laptop" / "tracking.json"
    write_json(path, {"enabled": True, "uri": "postgresql://alice:***@db/mlflow"})
    monkeypatch.setenv(address.VARIABLE, "postgresql://alice:secret@db/mlflow")
    assert read_settings(path).uri == "postgresql://alice:secret@db/mlflow"
    monkeypatch.setenv(address.VARIABLE, "postgresql://alice:secret@other/mlflow")
    assert read_settings(path).uri == "postgresql://alice:***@db/mlflow"


def test_what_is_not_recorded_is_told_once_for_each_reason(tmp_path):
    reasons = {"energy": "no server", "asymptote": "no server", "conversion": OFF, "sensitivity": None}
    markers = []
    for study, reason in reasons.items():
        markers.append(tmp_path / study / "tracking.json")
        write_json(markers[-1], {"reason": reason, "problems": [], "synced": reason is None})
    markers.append(tmp_path / "propagation" / "tracking.json")  # not there
    said = unrecorded(markers)
    assert said.startswith("tracking: the runs of energy, asymptote are not all recorded in MLflow. no server")
    assert said.count("make sync") == 1
    assert unrecorded(markers[2:]) == ""
    write_json(markers[3], json.loads(markers[3].read_text()) | {"problems": ["one run"], "synced": False})
    assert "the runs of sensitivity are not all recorded in MLflow. one run" in unrecorded(markers)
