"""Designs, probes, trials and annual means, against what is known of made-up data."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from climate.forecasters.features import Frame
from climate.insight import design, probes
from climate.insight.trial import MonthlessFrame, without_covariates
from climate.params.params import UnderstandParams, load_params
from climate.schema import QUANTILES
from climate.verify.annual import annual_hindcasts, error_summary

NAMES = ["units", "lookback", "epochs", "learning_rate", "batch"]


@pytest.mark.parametrize("factors", [3, 4, 5])
def test_half_fraction_is_orthogonal(factors: int) -> None:
    signs = design.half_fraction(factors)
    assert signs.shape == (2 ** (factors - 1), factors)
    assert np.array_equal(signs.T @ signs, len(signs) * np.eye(factors))


def test_pairs_are_told_apart_with_five_factors() -> None:
    signs = design.half_fraction(5)
    pairs = [signs[:, i] * signs[:, j] for i in range(5) for j in range(i)]
    columns = np.column_stack([signs, *pairs])
    assert np.array_equal(columns.T @ columns, 16 * np.eye(15))


@given(st.lists(st.floats(-2, 2), min_size=5, max_size=5), st.floats(-1, 1), st.integers(0, 99))
def test_shares_recover_the_effects_and_sum_to_one(effects: list[float], pair: float, seed: int) -> None:
    signs = design.half_fraction(5)
    means = signs @ np.array(effects) + pair * signs[:, 0] * signs[:, 1]
    noise = np.random.default_rng(seed).normal(0, 0.1, (16, 1))
    response = means[:, None] + np.concatenate([noise, -noise], axis=1)
    found = design.variance_shares(signs, NAMES, response).set_index("term")
    assert found["share"].sum() == pytest.approx(1)
    assert found["effect"][NAMES].to_numpy() == pytest.approx(2 * np.array(effects))
    assert found["effect"].iloc[5] == pytest.approx(2 * pair)


def test_probe_finds_what_states_hold_and_nothing_else() -> None:
    random = np.random.default_rng(1)
    states = random.normal(size=(600, 8))
    held = states[:, :1] * 2 + random.normal(0, 0.1, (600, 1))
    share, chance = probes.explained(states, held, 24, 50)
    assert share > 0.98
    assert np.quantile(chance, 0.95) < 0.2
    share, _ = probes.explained(states, random.normal(size=(600, 1)), 24)
    assert share < 0.05


def test_probe_learns_nothing_from_near_rows() -> None:
    states = np.random.default_rng(2).normal(size=(240, 3))
    for block, known, _ in probes.block_hats(states, 24):
        assert (known < block.start - 23).sum() + (known > block.stop + 22).sum() == known.size


def _history(months: int = 400) -> xr.Dataset:
    time = (np.datetime64("1960-01", "M") + np.arange(months)).astype("datetime64[s]")
    wave = np.sin(np.arange(months) * 2 * np.pi / 12)
    covariate = np.random.default_rng(3).normal(size=(months, 1))
    return xr.Dataset(
        {"value": ("time", 300 + 0.1 * np.arange(months) + wave), "covariate": (("time", "predictor"), covariate)},
        coords={"time": time, "predictor": ["nino34"]},
    )


def test_monthless_frame_differs_in_the_month_alone() -> None:
    history = _history()
    whole = Frame.estimate(history, 12).rows(history, 12, 24)
    less = MonthlessFrame.estimate(history, 12).rows(history, 12, 24)
    assert np.array_equal(whole.static[-1, :-2], less.static[-1, :-2])
    assert not less.static[-1, -2:].any()
    assert whole.static[-1, -2:].any()
    assert not less.sequence[-1, :, -2:].any()
    assert np.array_equal(whole.usable(), less.usable())
    assert without_covariates(history)["covariate"].isnull().all()


def test_early_origins_are_verified_before_the_cut_off() -> None:
    plan, params = load_params().understand, load_params()
    assert plan is not None
    last = np.datetime64(plan.first_origin, "M") + plan.every * (plan.origins - 1) + params.backtest.leads
    assert last < np.datetime64(plan.before, "M") <= np.datetime64(params.backtest.first_origin, "M")


def test_levels_name_settings_of_the_network() -> None:
    plan = load_params().understand
    assert plan is not None
    with pytest.raises(ValueError, match="dropout"):
        UnderstandParams.model_validate(
            plan.model_dump() | {"levels": {"dropout": (0, 1), "units": (1, 2), "batch": (1, 2)}}
        )


def test_annual_means_are_those_of_the_calendar_year() -> None:
    origins = np.array(["2001-06", "2001-12", "2002-12", "2003-12"], dtype="datetime64[M]").astype("datetime64[s]")
    leads = np.arange(1, 13)
    observed = np.tile(leads.astype(float), (4, 1))
    observed[3, -1] = np.nan
    forecast = np.broadcast_to((observed + 0.5)[None, :, :, None], (1, 4, 12, len(QUANTILES)))
    table = xr.Dataset(
        {"forecast": (("model", "origin", "lead", "quantile"), forecast), "observed": (("origin", "lead"), observed)},
        coords={"model": ["one"], "origin": origins, "lead": leads, "quantile": list(QUANTILES)},
    )
    found = annual_hindcasts(table)
    assert found["year"].values.tolist() == [2002, 2003]
    assert found["observed"].values.tolist() == [6.5, 6.5]
    summary = error_summary(found)["one"]
    assert summary["rmse"] == pytest.approx(0.5)
    assert (summary["low"], summary["high"], summary["years"]) == (pytest.approx(0.5), pytest.approx(0.5), 2)
    assert error_summary(found, 2010) == {}
