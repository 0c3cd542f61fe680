"""Keys are text to every YAML, or refused with the reason."""

from __future__ import annotations

import io
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from climate.errors import ClimateError
from climate.params.edit import with_region
from climate.params.keys import other_reading
from climate.params.params import load_params
from tests.conftest import ROOT

NO_TEXT = [
    *("no", "No", "NO", "on", "off", "yes", "y", "n", "N", "true", "False", "null", "~", ""),
    *("1e3", "1E-3", "2020", "007", "0o17", "0x1f", "0b11", "1_000", "1.5", "-3", ".inf", "-.INF", ".nan"),
    *("12:30", "1:30:15", "2020-01-01", "<<", "="),
]
TEXT = ["norway", "nino34", "year-2020", "2020-on", "co2-mauna-loa", "1-2", "e3", "yes-1", "nan", "inf", "x1f", "d0"]

REGION = {"title": "x", "source": "ncep-air", "country": "Chad"}
JOIN = {"overlap_end": "1990-12", "parts": ["ncep-air", "ncep-air"]}
COMBINATION = {"overlap_end": "1990-12", "members": ["ncep-air", "ncep-air"]}
PANEL = {"title": "x", "source": "ncep-air", "shapes": "natural-earth"}


@pytest.mark.parametrize("text", NO_TEXT)
def test_what_some_yaml_reads_as_other_than_text_is_told(text: str) -> None:
    assert other_reading(text)


@pytest.mark.parametrize("text", TEXT)
def test_ordinary_names_are_text(text: str) -> None:
    assert other_reading(text) is None


@given(st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=8))
@example("1e3")
@example("0o17")
@example("0")
def test_a_key_that_is_allowed_is_the_same_text_to_both_libraries(text: str) -> None:
    if other_reading(text) is None and text[0] != "-":
        line = f"{text}: 1\n"
        assert list(yaml.safe_load(line)) == [text]
        for version in ("1.1", "1.2"):
            reader = YAML(typ="safe", pure=True)
            reader.version = version
            assert list(reader.load(io.StringIO(line))) == [text]


@pytest.mark.parametrize("block", ["regions", "records", "covariates", "panels", "splices", "combinations"])
@pytest.mark.parametrize("written", ["no", '"no"', "1e3", "2020", '"0x1f"', "null", "~", ".inf", "12:30", "2020-01-01"])
def test_such_a_key_is_refused_wherever_keys_are_read(block: str, written: str, tmp_path: Path) -> None:
    entry = {"panels": PANEL, "splices": JOIN, "combinations": COMBINATION}.get(block, REGION)
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    key = next(iter(yaml.safe_load(f"{written}: 1")))
    within = content["harmonize"] if block in ("splices", "combinations") else content
    within.setdefault(block, {})[key] = entry
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ClimateError, match=rf"{block}: the key .* is read as .* by YAML 1.1 or 1.2") as caught:
        load_params(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", NO_TEXT)
def test_no_such_key_is_ever_written(name: str) -> None:
    with pytest.raises(ClimateError, match="regions: the key"):
        with_region((ROOT / "params.yaml").read_text(), name, REGION)


@pytest.mark.parametrize("value", [text for text in NO_TEXT if text])
def test_names_within_an_entry_are_written_so_that_they_read_back(value: str) -> None:
    after = with_region((ROOT / "params.yaml").read_text(), "kenya", {"title": value, "country": value})
    assert yaml.safe_load(after)["regions"]["kenya"] == {"title": value, "country": value}
    assert YAML(typ="safe").load(after)["regions"]["kenya"] == {"title": value, "country": value}


def test_a_country_code_without_quotes_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = (ROOT / "params.yaml").read_text()
    path.write_text(text.replace("country: Germany", "country: NO"))
    with pytest.raises(ClimateError, match="country: YAML reads this as False where it is not in quotes"):
        load_params(path)
