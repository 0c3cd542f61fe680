"""params.yaml is refused in one line that says what to correct."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from climate.errors import ClimateError
from climate.params.params import load_params
from tests.conftest import ROOT

Change = Callable[[dict[str, Any]], None]


def changed(tmp_path: Path, change: Change) -> Path:
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    change(content)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_reference_parameters_are_valid() -> None:
    params = load_params(ROOT / "params.yaml")
    assert len(params.regions) == 8
    assert params.backtest.leads == 60


def put(*keys_then_value: Any) -> Change:
    *keys, value = keys_then_value

    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("backtest", "leads", "sixty"), ["backtest.leads", "sixty"]),
        (put("backtest", "leads", 0), ["backtest.leads", "0"]),
        (put("backtest", "first_origin", "2005-13"), ["backtest.first_origin", "2005-13"]),
        (put("backtest", "horizon", 3), ["backtest.horizon", "3"]),
        (put("lstm", "learning_rate", -1.0), ["lstm.learning_rate", "-1"]),
        (put("lstm", "seeds", []), ["lstm.seeds"]),
        (put("pull", "sources", {"noa-co2-mlo": {}}), ["noa-co2-mlo", "noaa-co2-mlo"]),
        (put("regions", "Bad Name", {"title": "x", "source": "ncep-air", "country": "Chad"}), ["Bad Name"]),
        (put("regions", "globe", {"title": "x"}), ["regions.globe"]),
        (put("regions", "globe", "ncep-air"), ["regions.globe", "ncep-air"]),
        (put("regions", "nino34", {"title": "x", "source": "ncep-air", "country": "Chad"}), ["nino34", "covariates"]),
        (put("score", "reference", "oracle"), ["score.reference", "oracle"]),
        (put("score", "blocks", {"late": [50, 70]}), ["late", "70"]),
        (put("score", "blocks", {"back": [5, 2]}), ["back"]),
        (put("harmonize", "baseline", [1991, 2020]), ["baseline", "2020", "2005-12"]),
        (put("harmonize", "baseline", [1990, 1961]), ["baseline"]),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: Change, words: list[str]) -> None:
    with pytest.raises(ClimateError) as caught:
        load_params(changed(tmp_path, change))
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("text", "words"), [("pull: [", "not readable YAML"), ("- 1\n", "found list"), ("", "found NoneType")]
)
def test_unreadable_file(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ClimateError, match=words):
        load_params(path)


def test_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ClimateError, match="top folder"):
        load_params(tmp_path / "params.yaml")
