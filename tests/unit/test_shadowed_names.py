"""Names that are taken: of the package, of another file of the user, or twice in one file; each is refused at once."""

from __future__ import annotations

import pytest
import yaml

from spikeinit.datasets import catalogue
from spikeinit.errors import UserError
from spikeinit.plan import from_mapping
from spikeinit.studies import known_studies

REGISTER = {
    "dataset_files": """
from spikeinit.datasets import register

@register("{0}", title="", licence="", classes=2, shape=(1, 2, 3), folder="pictures", test_images=1)
def read(paths):
    return {{}}
""",
    "initializer_files": """
from spikeinit.initializers import Law, register

@register("{0}")
def law(fan_in, fan_out=None):
    return Law.normal(variance=1.0)
""",
    "network_files": """
from spikeinit.networks import Dense, Network, register

@register("{0}")
def family(classes, width=1.0):
    return Network("{0}", (Dense(classes),))
""",
}
TAKEN = {
    "dataset_files": ("data set", "mnist", "spikeinit.datasets.catalogue"),
    "initializer_files": ("initialiser", "he", "spikeinit.initializers.he"),
    "network_files": ("network family", "mlp", "spikeinit.networks.mlp"),
}
KEYS = list(REGISTER)
STUDY = """
import dataclasses
from spikeinit.studies import STUDIES

STUDY = dataclasses.replace(STUDIES["energy"], name="{0}")
"""


@pytest.fixture
def config(checkout):
    return yaml.safe_load((checkout / "config.yaml").read_text())


def planning_error(config, key, *paths):
    """What planning says of the files, without its first line; it must be one line."""
    config[key] = [str(path) for path in paths]
    with pytest.raises(UserError) as refused:
        from_mapping(config)
    first, *told = str(refused.value).splitlines()
    assert first == "config: 1 error, nothing was run"
    (line,) = told
    return line


def write(path, key, *names):
    path.write_text("".join(REGISTER[key].format(name) for name in names))
    return path


@pytest.mark.parametrize("key", KEYS)
def test_the_packages_names_are_taken(key, config, user_code):
    kind, name, module = TAKEN[key]
    path = write(user_code / "mine.py", key, name)
    assert planning_error(config, key, path) == (
        f"  {key}.0  {kind} {name!r} is registered by {module} of this package and by {path}; give yours another name"
    )


@pytest.mark.parametrize("key", KEYS)
def test_the_names_of_another_file_are_taken(key, config, user_code):
    first, second = (write(user_code / file, key, "same") for file in ("a.py", "b.py"))
    assert planning_error(config, key, first, second).startswith(
        f"  {key}.1  {TAKEN[key][0]} 'same' is registered by {first} and by {second}; give one of them another name"
    )


@pytest.mark.parametrize("key", KEYS)
def test_a_file_gives_a_name_once(key, config, user_code):
    path = write(user_code / "mine.py", key, "same", "other", "same")
    kind = TAKEN[key][0]
    for _ in range(2):
        assert planning_error(config, key, path) == (
            f"  {key}.0  {kind} 'same' is registered twice by {path}; give one of them another name"
        )


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", ["Mnist", "a/b", "../up", "", "x" * 65])
def test_a_name_is_a_folder_on_every_file_system(key, name, config, user_code):
    """No capitals: "Mnist" and "mnist" would be one folder where a file system does not tell them apart."""
    told = planning_error(config, key, write(user_code / "mine.py", key, name))
    assert f"{name!r}, registered by {user_code / 'mine.py'}: a name has 1 to 64 characters out of a-z" in told


@pytest.mark.parametrize("name", ["mni-st", "mni_st"])
def test_names_that_only_look_alike_are_two(name, config, user_code):
    paths = [write(user_code / f"{other}.py", "dataset_files", other) for other in ("mni-st", "mni_st")]
    config["dataset_files"] = [str(path) for path in paths]
    from_mapping(config)
    assert catalogue.get(name).name == name


def test_in_a_notebook_the_later_entry_replaces_the_earlier_one(user_code):
    for classes in ("2", "3"):
        exec(REGISTER["dataset_files"].format("cell").replace("classes=2", f"classes={classes}"), {"__name__": "cell"})
    assert catalogue.get("cell").classes == 3


@pytest.fixture
def images(tmp_path):
    """A folder of a user's own images; planning only asks whether the files are there."""
    for name in ("train.npz", "test.npz"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize("name", ["mnist", "digits", "nmnist"])
def test_custom_images_cannot_have_a_name_of_the_catalogue(name, config, images):
    """Neither of the two is taken silently, whether or not a study names it."""
    config["datasets"] = {"custom": {name: {"path": str(images)}}}
    assert planning_error(config, "dataset_files") == (
        f"  datasets.custom.{name}  the catalogue has a data set {name!r} too; give the images in {images} another name"
    )


def test_custom_images_cannot_have_a_name_that_a_file_registers(config, images, user_code):
    path = write(user_code / "mine.py", "dataset_files", "squares")
    config["datasets"] = {"custom": {"squares": {"path": str(images)}}}
    assert planning_error(config, "dataset_files", path) == (
        f"  datasets.custom.squares  {path} has a data set 'squares' too; give the images in {images} another name"
    )


def test_custom_images_have_a_name_of_their_own(config, images):
    config["datasets"] = {"custom": {"mine": {"path": str(images)}}}
    assert list(from_mapping(config).custom_datasets) == ["mine"]


def study(folder, name):
    folder.mkdir()
    (folder / "__init__.py").write_text(STUDY.format(name))
    return folder


def test_the_name_of_a_study_is_taken_by_one_package(user_code):
    own, other, third = (study(user_code / f"{name}_study", name) for name in ("energy", "other", "third"))
    (third / "__init__.py").write_text(STUDY.format("other"))
    with pytest.raises(UserError) as refused:
        known_studies([own])
    assert str(refused.value) == (
        f"study_files: study 'energy' is declared by this package and by {own}; give yours another name"
    )
    with pytest.raises(UserError) as refused:
        known_studies([other, third])
    assert str(refused.value) == (
        f"study_files: study 'other' is declared by {other} and by {third}; give yours another name"
    )


@pytest.mark.parametrize("name", ["Energy", "my study"])
def test_the_name_of_a_study_is_a_folder_on_every_file_system(name, user_code):
    with pytest.raises(UserError, match=f"study {name!r} of .*mine: a name has 1 to 64 characters"):
        known_studies([study(user_code / "mine", name)])


@pytest.mark.parametrize("name", ["datasets", "device"])
def test_a_study_cannot_have_the_name_of_another_key(name, config, user_code):
    config["study_files"] = [str(study(user_code / "mine", name))]
    with pytest.raises(UserError, match=f"the configuration has another key {name!r} already"):
        from_mapping(config)
