"""The catalogue: complete, consistent, and strict about what it is told."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from ruamel.yaml import YAML

from climate.commands.sources import details
from climate.errors import ClimateError
from climate.params.params import load_params
from climate.sources.catalogue import CATALOGUE, Source, find_source, load_catalogue
from climate.sources.readers.registry import READERS, SHAPE_READER

SOURCES = load_catalogue()
PULLED = load_params().pull.sources


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_every_entry_says_from_whom_under_which_terms_and_how_to_cite(source: Source) -> None:
    assert source.title
    assert source.publisher
    assert source.licence
    assert len(source.citation) > 20
    assert urlsplit(source.homepage).scheme in ("http", "https")
    assert source.vintages
    assert source.channels
    for file in source.files:
        assert urlsplit(file.url).scheme in ("http", "https")
        assert not file.mirror.startswith(("/", "."))
        assert ".." not in file.mirror.split("/")
        assert file.expect.min_bytes <= file.expect.max_bytes
    assert source.baseline is None or source.kind == "anomaly"
    assert source.baseline is not None or source.kind != "anomaly" or source.quantity != "temperature"
    readers = {"shapes": {SHAPE_READER}, "files": {""}}
    assert source.reader in readers.get(source.kind, READERS)


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_every_vintage_has_a_channel(source: Source) -> None:
    for name, vintage in source.vintages.items():
        channels = {
            "registry": vintage.registry is not None,
            "mirror": vintage.mirror is not None,
            "publisher": name == "latest" or vintage.publisher,
        }
        assert any(channels[channel] for channel in source.channels if channel in channels), name
        assert name != "latest" or not vintage.sha256, "what the publisher serves today cannot be pinned"


@pytest.mark.parametrize("key", PULLED)
def test_reference_sources_are_pinned_by_the_digests_of_archive_and_files(key: str) -> None:
    source = find_source(key)
    vintage = source.vintages[PULLED[key].vintage]
    assert source.channels[0] == "registry"
    assert vintage.registry is not None
    assert set(vintage.sha256) == set(vintage.registry.members) == {file.name for file in source.files}


def test_no_key_stands_twice_and_both_yaml_libraries_read_the_same() -> None:
    # ruamel.yaml, which DVC reads parameters with, refuses a key that stands twice; PyYAML keeps the last one.
    strict = YAML(typ="safe").load(CATALOGUE.read_text(encoding="utf-8"))
    assert strict == yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))


def test_sources_that_take_archives_from_one_package_agree_on_its_digest() -> None:
    digests: dict[str, set[str]] = {}
    for source in SOURCES.values():
        for vintage in source.vintages.values():
            if vintage.registry:
                digests.setdefault(vintage.registry.archive, set()).add(vintage.registry.sha256)
                assert vintage.registry.version in vintage.registry.archive
    assert {archive for archive, found in digests.items() if len(found) > 1} == set()
    assert digests


def test_unknown_source_names_the_nearest() -> None:
    with pytest.raises(ClimateError, match=r"unknown source 'noaa-co2-ml'.*noaa-co2-mlo"):
        find_source("noaa-co2-ml")
    with pytest.raises(ClimateError, match=r"unknown source 'xyzzy'.*expected one of"):
        find_source("xyzzy")


GOOD = yaml.safe_dump({"gistemp-nh": SOURCES["gistemp-nh"].model_dump(mode="json", exclude={"key"})}, sort_keys=False)
MALFORMED = {
    "an unknown key": (GOOD.replace("  title:", "  tittle:"), "source 'gistemp-nh', title"),
    "a bad digest": (
        GOOD.replace("sha256: {}", "sha256: {NH.Ts+dSST.csv: abc}"),
        "vintages.latest.sha256.NH.Ts+dSST.csv",
    ),
    "a digest of no file": (GOOD.replace("sha256: {}", f"sha256: {{other.csv: {'a' * 64}}}"), "'other.csv'"),
    "an unknown channel": (GOOD.replace("- mirror", "- carrier-pigeon"), "channels.0"),
    "a file name with a folder": (GOOD.replace("name: NH", "name: ../NH"), "files.0.name"),
    "no files": (GOOD[: GOOD.index("  files:")] + "  files: []\n" + GOOD[GOOD.index("  channels:") :], "files"),
    "a word for a number": (GOOD.replace("min_bytes: 12000", "min_bytes: lots"), "files.0.expect.min_bytes"),
    "no mapping": ("- gistemp-nh\n", "expected a mapping"),
    "no entry": ("gistemp-nh:\n", "gistemp-nh"),
    "broken yaml": ("gistemp-nh: {title: [\n", "not readable YAML"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_entries_are_named_in_one_line(case: str, tmp_path: Path) -> None:
    text, words = MALFORMED[case]
    assert text != GOOD
    path = tmp_path / "catalogue.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClimateError) as caught:
        load_catalogue(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("catalogue.yaml")


def test_the_well_formed_entry_loads(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_catalogue(path)["gistemp-nh"] == SOURCES["gistemp-nh"]


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_what_was_not_checked_is_shown(source: Source) -> None:
    shown = details(source.key)
    assert ("not checked against the publisher's page" in shown) == (not source.licence_read_in)
    assert ("written without a file of the publisher" in shown) == (not source.reader_seen)
    assert source.note in shown
