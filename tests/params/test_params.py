"""params.yaml is refused in one line that says what to correct."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from climate.errors import ClimateError
from climate.params.params import Params, load_params
from climate.params.renamed import REPLACED
from tests.conftest import ROOT

Change = Callable[[dict[str, Any]], None]


def changed(tmp_path: Path, change: Change) -> Path:
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    change(content)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


HYPOTHESIS = {
    **{"quantity": "temperature", "better": "ridge-planet", "against": "trend-ar1"},
    **{"block": "1-12", "places": "ar6-regions"},
}


def test_reference_parameters_are_valid() -> None:
    params = load_params(ROOT / "params.yaml")
    assert params.regions


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
        (put("score", "opponent", {"candidates": ["lstm-direct"]}), ["score.opponent.candidates", "lstm-direct"]),
        (put("score", "opponent", {"verified_before": "2010-01"}), ["verified_before is 2010-01", "2005-12"]),
        (put("score", "hypotheses", {"a": HYPOTHESIS | {"better": "ets"}}), ["score.hypotheses.a.better", "'ets'"]),
        (put("score", "hypotheses", {"a": HYPOTHESIS | {"block": "9"}}), ["score.hypotheses.a.block", "'9'", "1-12"]),
        (put("score", "hypotheses", {"a": HYPOTHESIS | {"places": "moon"}}), ["a.places", "'moon'", "ar6-regions"]),
        (put("score", "blocks", {"late": [50, 70]}), ["late", "70"]),
        (put("score", "blocks", {"back": [5, 2]}), ["back"]),
        (put("harmonize", "baseline", [1991, 2020]), ["baseline", "2020", "2005-12"]),
        (put("harmonize", "baseline", [1990, 1961]), ["baseline"]),
        (put("baselines", "models", ["trend-ar2"]), ["baselines.models", "trend-ar2", "trend-ar1"]),
        (put("baselines", "models", ["ets", "ets"]), ["baselines.models", "ets", "more than once"]),
        (put("lstm", "models", ["ets"]), ["lstm.models", "ets", "lstm-direct"]),
        (put("planet", "models", ["lstm-direct"]), ["planet.models", "lstm-direct", "lstm-planet"]),
        (put("planet", "models", ["ridge-planet"]), ["panels.ar6-regions.models", "lstm-planet"]),
        (put("panels", "countries", "models", ["lstm-direct"]), ["panels.countries.models", "lstm-direct"]),
        (put("ceiling", "models", ["ets"]), ["ceiling.models", "ets", "sarimax-enso"]),
        (
            put("notebooks", "walkthrough", {"record": "atlantis"}),
            ["notebooks.walkthrough", "atlantis", "globe"],
        ),
        (put("notebooks", "understanding", {"record": "globe", "beside": "atlantis"}), ["understanding", "atlantis"]),
        (put("ceiling", "regions", ["atlantis"]), ["ceiling.regions", "atlantis", "globe"]),
        (put("score", "opponent", {"regions": ["atlantis"]}), ["score.opponent.regions", "atlantis", "globe"]),
        (put("revisions", "against", {"soi": "2020"}), ["revisions.against", "soi"]),
    ],
)
def test_mistakes_are_named(tmp_path: Path, change: Change, words: list[str]) -> None:
    with pytest.raises(ClimateError) as caught:
        load_params(changed(tmp_path, change))
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


def test_leads_beyond_the_reach_of_a_chosen_model_are_refused(tmp_path: Path) -> None:
    def far(content: dict[str, Any]) -> None:
        content["backtest"]["leads"] = 72

    message = "backtest.leads is 72, but .*ridge-hybrid.*lstm-direct.*lstm-planet.* forecast at most 60; choose fewer"
    with pytest.raises(ClimateError, match=message):
        load_params(changed(tmp_path, far))

    def without(content: dict[str, Any]) -> None:
        far(content)
        content["baselines"]["models"] = ["seasonal-naive", "trend-ar1"]
        content["lstm"]["models"] = ["lstm-tutorial"]
        content["planet"]["models"] = ["ridge-planet"]
        content["panels"] = {}
        content["score"] |= {"reference": "seasonal-naive", "hypotheses": {}, "opponent": {"candidates": ["trend-ar1"]}}

    with pytest.raises(ClimateError, match="72, but ridge-planet forecast at most 60"):
        load_params(changed(tmp_path, without))


@pytest.mark.parametrize("key", REPLACED)
def test_keys_of_the_past_say_what_to_write_now(key: str, tmp_path: Path) -> None:
    section, _, entry = key.partition(".")
    change = put(section, entry, 1) if entry else put(section, {})
    with pytest.raises(ClimateError) as caught:
        load_params(changed(tmp_path, change))
    message = str(caught.value)
    assert message.endswith(f"{key} is no longer a parameter: {REPLACED[key]}")
    assert "\n" not in message


def origin_fields(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all fields at or below `model` that hold a first origin, "*" for the keys of a mapping."""
    for name, field in model.model_fields.items():
        if name == "hindcasts" or "first_origin" in name:
            yield (*path, name)
        inner = field.annotation
        keys = ("*",) if get_origin(inner) is dict else ()
        for part in (inner, *get_args(inner)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from origin_fields(part, (*path, name, *keys))


ORIGIN_FIELDS = list(origin_fields(Params))


def test_the_sections_with_a_first_origin_are_found() -> None:
    assert {("backtest", "first_origin"), ("panels", "*", "first_origin"), ("project", "hindcasts")} <= {*ORIGIN_FIELDS}


@pytest.mark.parametrize("path", ORIGIN_FIELDS, ids=".".join)
@pytest.mark.parametrize(("ends", "refused"), [("1990-11", True), ("1990-12", False)])
def test_no_first_origin_may_lie_within_what_is_estimated(
    path: tuple[str, ...], ends: str, refused: bool, tmp_path: Path
) -> None:
    """The baseline ends in 1990-12; a section that is not asked about its origins would let the early one pass."""

    def change(content: dict[str, Any]) -> None:
        *keys, last = path
        content["score"]["opponent"]["verified_before"] = "1990-12"
        for key in keys:
            content = next(iter(content.values())) if key == "*" else content[key]
        year = int(ends[:4]) - refused
        content[last] = [2000, year] if last == "hindcasts" else ends

    changed_file = changed(tmp_path, change)
    if refused:
        with pytest.raises(ClimateError, match=r"baseline ends in 1990-12, after the first origin 19") as caught:
            load_params(changed_file)
        assert path[0] in str(caught.value)
    else:
        load_params(changed_file)


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
