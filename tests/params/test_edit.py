"""Edits of params.yaml change what was asked for and not one character more."""

from __future__ import annotations

import difflib

import pytest
import yaml

from climate.errors import ClimateError
from climate.params.edit import with_own, with_region, with_vintage
from tests.conftest import ROOT

ENTRY = {"title": "Kenya", "source": "ncep-air", "box": {"lat": [-5, 5], "lon": [34, 42]}}
LINE = "  kenya: {title: Kenya, source: ncep-air, box: {lat: [-5, 5], lon: [34, 42]}}"


def changed_lines(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def test_only_the_new_line_differs() -> None:
    before = (ROOT / "params.yaml").read_text()
    after = with_region(before, "kenya", ENTRY)
    assert changed_lines(before, after) == [f"+ {LINE}"]
    assert yaml.safe_load(after)["regions"]["kenya"] == ENTRY


def test_months_are_written_in_quotes() -> None:
    after = with_region((ROOT / "params.yaml").read_text(), "kenya", {"title": "Kenya", "start": "1980-01"})
    assert '  kenya: {title: Kenya, start: "1980-01"}\n' in after


@pytest.mark.parametrize(
    "last",
    [
        "  a: {title: A}  # a comment\n",
        "  a:\n    title: A\n    # inside\n    point: {lat: 1, lon: 2}\n",
        "  a:\n    title: A\n\n",
        "  a: {title: A,\n      source: x}\n",
        "  a: {title: A}",
    ],
)
def test_the_new_region_follows_the_last_one_whatever_its_form(last: str) -> None:
    rest = "" if not last.endswith("\n") else "\n# About the next part\nnext: {b: 1}\n"
    before = f"regions:\n{last}{rest}"
    after = with_region(before, "kenya", ENTRY)
    assert list(yaml.safe_load(after)["regions"]) == ["a", "kenya"]
    assert after.replace(f"{LINE}\n", "").rstrip("\n") == before.rstrip("\n")
    assert LINE in after.partition("# About")[0]


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ClimateError, match=r"regions\.globe exists already"):
        with_region((ROOT / "params.yaml").read_text(), "globe", ENTRY)


@pytest.mark.parametrize("text", ["regions: {a: {title: A}}\n", "harmonize: 1\n", "a: [\n"])
def test_a_file_without_a_block_of_regions_is_refused(text: str) -> None:
    with pytest.raises(ClimateError, match=r"params\.yaml"):
        with_region(text, "kenya", ENTRY)


@pytest.mark.parametrize("empty", ["regions:", "regions: {}", "regions:  # none", "regions: {}  # none"])
def test_an_empty_section_gets_its_first_entry(empty: str) -> None:
    text = with_region(f"a:\n  b: 1\n{empty}\n# next\nc: 2\n", "kenya", ENTRY)
    assert yaml.safe_load(text) == {"a": {"b": 1}, "regions": {"kenya": ENTRY}, "c": 2}
    assert ("# none" in text) == ("# none" in empty)
    assert "# next" in text


@pytest.mark.parametrize("own", ["", "  own: {}\n", "  own:\n", "  # mine\n  own: {}  # none yet\n"])
def test_a_file_of_ones_own_leaves_every_other_line(own: str) -> None:
    before = f"pull:\n  sources:\n    # first\n    b: {{vintage: latest}}\n    # last\n{own}\nregions: {{}}\n"
    text = with_own(with_own(before, "era5", {"path": "a.nc"}), "table", {"path": "b.csv"})
    read = yaml.safe_load(text)
    assert read["pull"]["own"] == {"era5": {"path": "a.nc"}, "table": {"path": "b.csv"}}
    assert read["pull"]["sources"] == {"b": {"vintage": "latest"}}
    assert read["regions"] == {}
    for comment in ("# first", "# last", "# mine", "# none yet"):
        assert (comment in text) == (comment in before)


@pytest.mark.parametrize(("vintage", "written"), [("2024-04", '"2024-04"'), ("2016", '"2016"'), ("latest", "latest")])
def test_another_vintage_changes_its_own_characters(vintage: str, written: str) -> None:
    before = (ROOT / "params.yaml").read_text()
    after = with_vintage(before, "noaa-co2-mlo", vintage)
    old = yaml.safe_load(before)["pull"]["sources"]["noaa-co2-mlo"]["vintage"]
    assert changed_lines(before, after) == [
        f'-     noaa-co2-mlo: {{vintage: "{old}"}}',
        f"+     noaa-co2-mlo: {{vintage: {written}}}",
    ]
    assert yaml.safe_load(after)["pull"]["sources"]["noaa-co2-mlo"] == {"vintage": vintage}


@pytest.mark.parametrize(
    "entry",
    ["{vintage: '2018-02'}  # why", "{}", "null", "", "\n      vintage: latest  # why", "{ vintage: latest , }"],
)
def test_a_vintage_in_any_form_can_be_replaced(entry: str) -> None:
    before = f"pull:\n  sources:\n    a: {entry}\n    b: {{vintage: latest}}\n"
    after = with_vintage(before, "a", "2024-04")
    assert yaml.safe_load(after)["pull"]["sources"] == {"a": {"vintage": "2024-04"}, "b": {"vintage": "latest"}}
    assert ("# why" in after) == ("# why" in before)


def test_a_source_that_is_not_pulled_has_no_vintage_to_change() -> None:
    with pytest.raises(ClimateError, match=r"pull\.sources has no 'soi' \(there: .*noaa-co2-mlo"):
        with_vintage((ROOT / "params.yaml").read_text(), "soi", "latest")
