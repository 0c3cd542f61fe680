"""Small records, forecasts and scores for the tests of the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from climate.params.params import Params, load_params
from climate.params.regions import RegionDefinition
from climate.report.inputs import ReportInputs
from climate.schema import TIME_DTYPE
from climate.verify.ledger import AT_ISSUE, LATER, append, issue, stamp
from climate.verify.losses import cell_scores
from climate.verify.strata import EL_NINO, NEUTRAL, join_strata, score_strata
from tests.conftest import ROOT
from tests.tables import forecast_table

MODEL_NAMES = ["seasonal-naive", "trend-ar1", "sarima", "ridge-enso", "lstm-tutorial", "lstm-direct"]
LEADS, ORIGINS = 24, 8
BLOCKS = {"1": (1, 1), "1-12": (1, 12), "13-24": (13, 24)}
SHARPNESS = {"seasonal-naive": 1.6, "trend-ar1": 1.0, "sarima": 1.1, "ridge-enso": 0.95, "lstm-tutorial": 4.0}


def make_series(region: str, title: str, quantity: str = "temperature") -> xr.Dataset:
    """A record from 1958-03 to 2026-02 with two collection periods and four interpolated months."""
    months = np.arange("1958-03", "2026-03", dtype="datetime64[M]")
    random = np.random.default_rng(sum(region.encode()))
    t = np.arange(months.size) / 12
    if quantity == "temperature":
        value = 0.02 * t - 0.3 + 0.3 * random.standard_normal(t.size)
        attrs = {"units": "degC", "kind": "anomaly", "baseline": "1961-1990", "long_name": "air temperature"}
    else:
        value = 315 + 1.1 * t + 0.012 * t**2 + 3 * np.sin(2 * np.pi * t) + 0.2 * random.standard_normal(t.size)
        attrs = {"units": "ppm", "kind": "absolute", "baseline": "", "long_name": "CO2 mole fraction"}
    early = months < np.datetime64("1974-05")
    interpolated = np.zeros(t.size, dtype=bool)
    interpolated[70:74] = True
    return xr.Dataset(
        {
            "value": ("time", value),
            "uncertainty": ("time", np.where(early, np.nan, 0.05)),
            "source": ("time", np.where(early, "old-source", "new-source").astype(object)),
            "site": ("time", np.full(t.size, "somewhere", dtype=object)),
            "period": ("time", np.where(early, "Early network", "Modern network").astype(object)),
            "interpolated": ("time", interpolated),
        },
        coords={"time": months.astype(TIME_DTYPE)},
        attrs=attrs | {"region": region, "title": title, "quantity": quantity, "sources": "old-source,new-source"},
    )


def make_table(series: xr.Dataset) -> xr.Dataset:
    """Forecasts whose spread and centre are right but for a factor; the last origin is the issued forecast."""
    values, months = series["value"].values, series["time"].values.astype("datetime64[M]")
    last = months.size - 1
    places = [*(last - LEADS - 6 * k for k in reversed(range(ORIGINS))), last]
    position = np.array(places)[:, None] + np.arange(1, LEADS + 1)
    observed = np.where(position <= last, values[np.minimum(position, last)], np.nan)
    random = np.random.default_rng(5)
    truth = np.where(np.isfinite(observed), observed, values[-12:].mean())
    deviates = np.array([-1.645, -1.282, -0.842, -0.524, -0.253, 0, 0.253, 0.524, 0.842, 1.282, 1.645])
    scale = float(np.std(np.diff(values)))
    forecasts = []
    for model in MODEL_NAMES:
        spread = scale * SHARPNESS.get(model, 0.97) * np.sqrt(np.arange(1, LEADS + 1))[None, :, None] / 4
        noise = random.standard_normal(truth.shape)[..., None]
        forecasts.append(truth[..., None] + spread * (noise + deviates))
    table = forecast_table(np.stack(forecasts), observed, MODEL_NAMES, months[places], series.attrs["region"])
    return table.assign(parameters=("model", [0, 15, 8, 40, 4000, 5000])).assign_attrs(
        title=series.attrs["title"], units=series.attrs["units"], refit_every=24
    )


def make_scores(ratios: dict[str, float], p: dict[str, float]) -> xr.Dataset:
    """Scores in which `lstm-direct` stands at a given ratio and p value per region; lstm-tutorial is far off."""
    regions, blocks = list(ratios), list(BLOCKS)
    base = np.array([1.5, 1.0, 1.1, 0.97, 4.0, np.nan])
    ratio = np.stack([np.where(np.isnan(base), ratios[region], base) for region in regions])
    by_block = np.repeat(ratio[:, :, None], len(blocks), axis=2)
    lead = np.sqrt(np.arange(1, LEADS + 1))
    by_lead = 0.1 * ratio[:, :, None] * lead
    tested = np.full(by_block.shape, 0.5)
    tested[:, MODEL_NAMES.index("lstm-direct"), :] = np.array([p[region] for region in regions])[:, None]
    dims, lead_dims, each = ("region", "model", "block"), ("region", "model", "lead"), ("region", "block")
    factors = {"crps": 0.1, "mae": 0.14, "rmse": 0.18, "mase": 0.7}
    factors |= {"ratio": 1.0, "low": 0.93, "high": 1.07}
    return xr.Dataset(
        {name: (dims, factor * by_block) for name, factor in factors.items()}
        | {
            "coverage90": (dims, np.full(by_block.shape, 0.88)),
            "n": (dims, np.full(by_block.shape, ORIGINS * LEADS)),
            "skill": (dims, 1 - by_block / 1.5),
            "p": (dims, tested),
            "ratio_hindsight": (dims, 1.02 * by_block),
            "hindsight": (each, np.full((len(regions), len(blocks)), "sarima", dtype=object)),
            "crps_by_lead": (lead_dims, by_lead),
            "mae_by_lead": (lead_dims, 1.4 * by_lead),
            "coverage_by_lead": (lead_dims, np.full(by_lead.shape, 0.85)),
            "opponent": (each, np.full((len(regions), len(blocks)), "trend-ar1", dtype=object)),
        },
        coords={"region": regions, "model": MODEL_NAMES, "block": blocks, "lead": np.arange(1, LEADS + 1)},
    )


def make_hypotheses(outcomes: dict[str, str]) -> xr.Dataset:
    """Three declared hypotheses, with the outcome of each, and one that was not tested."""
    rows = {
        "information": ("ridge-enso", "ridge-own", "globe", 0.9, 0.0005, ""),
        "network": ("lstm-direct", "ridge-enso", "globe", 1.004, 0.62, ""),
        "co2-network": ("lstm-direct", "ridge-enso", "mauna-loa-co2", 1.08, 0.03, ""),
        "elsewhere": ("lstm-direct", "ridge-enso", "kiel", np.nan, np.nan, "kiel was not scored"),
    }
    better, against, places, ratio, p, reason = (np.array(column) for column in zip(*rows.values(), strict=True))
    number = np.ones(len(rows))
    return xr.Dataset(
        {
            "quantity": ("hypothesis", ["temperature", "temperature", "co2", "temperature"]),
            "better": ("hypothesis", better.astype(object)),
            "against": ("hypothesis", against.astype(object)),
            "block": ("hypothesis", ["1-12"] * len(rows)),
            "places": ("hypothesis", places.astype(object)),
            "ratio": ("hypothesis", ratio),
            "low": ("hypothesis", ratio - 0.05),
            "high": ("hypothesis", ratio + 0.06),
            "p": ("hypothesis", p),
            "p_holm": ("hypothesis", np.minimum(1, 3 * p)),
            "outcome": ("hypothesis", [outcomes.get(name, "same") for name in rows]),
            "origins": ("hypothesis", 39 * number),
            "independent": ("hypothesis", 19.5 * number),
            "reason": ("hypothesis", reason.astype(object)),
        },
        coords={"hypothesis": list(rows)},
    )


def make_opponents() -> xr.Dataset:
    """One opponent chosen with a margin, one for want of earlier origins."""
    shape = (2, len(BLOCKS))
    return xr.Dataset(
        {
            "opponent": (("quantity", "block"), np.full(shape, "trend-ar1", dtype=object)),
            "margin": (("quantity", "block"), np.array([[0.012] * 3, [np.nan] * 3])),
            "origins": (("quantity", "block"), np.array([[27] * 3, [0] * 3])),
        },
        coords={"quantity": ["temperature", "co2"], "block": list(BLOCKS)},
    )


def make_revisions() -> dict[str, Any]:
    """One source revised, one not, one unavailable, one without an older vintage."""
    row = {
        **{"source": "old-source", "title": "The old record", "units": "ppm", "old": "2025-01", "new": "2026-02"},
        **{"shared": 1234, "revised": 12, "filled": 0, "filled_revised": 0, "rows_only_old": 0, "rows_only_new": 3},
        **{"mean_absolute": 0.05, "mean_change": 0.01, "largest": -0.21, "month": "2017-03", "place": "Mauna Loa"},
        **{"changed": "version: 1 -> 2", "words": [], "decades": [{"decade": 2010, "shared": 120, "revised": 12}]},
    }
    row["knew"] = {
        **{"origin": "2024-12", "units": "ppm", "model": "unobserved-components", "verified": 2, "revised_recent": 5},
        **{"change_recent": -0.02, "crps": {"then": 0.31, "now": 0.25}, "observed": [425.1, 426.2, None]},
        **{"then": [[424.0, 425.0, 426.0]] * 3, "now": [[424.1, 425.1, 426.1]] * 3},
        **{"scale_then": "WMO X2007", "scale_now": "WMO X2019"},
    }
    same = row | {"source": "new-source", "title": "The new record", "revised": 0, "largest": 0.0, "changed": ""}
    same["knew"] = row["knew"] | {"now": row["knew"]["then"]}
    same |= {"mean_absolute": None, "month": "", "place": "", "decades": [{"decade": 2010, "shared": 9, "revised": 0}]}
    refused = {"source": "lost-source", "old": "2024", "new": "2025", "reason": "registry: no answer"}
    return {"compared": [row, same], "refused": [refused], "alone": ["new-source"]}


def make_strata(series: dict[str, xr.Dataset]) -> xr.Dataset:
    """Scores by stratum of the sample tables; every other month is an El Nino."""
    parts = []
    for one in series.values():
        states = xr.DataArray(
            np.where(np.arange(one.sizes["time"]) % 2, EL_NINO, NEUTRAL).astype(object),
            dims="time",
            coords={"time": one["time"].values},
        )
        cells = cell_scores(make_table(one)).assign_attrs(region=one.attrs["region"])
        parts.append(score_strata(cells, one, states, {"1-12": (1, 12)}))
    return join_strata(parts)


RATIOS = {"globe": 0.90, "kiel": 1.08, "mauna-loa-co2": 0.99}
P_VALUES = {"globe": 0.0005, "kiel": 0.001, "mauna-loa-co2": 0.62}


def make_seams() -> xr.Dataset:
    """One seam with an overlap of ten years."""
    months = np.arange("1974-01", "1984-01", dtype="datetime64[M]").astype(TIME_DTYPE)
    older = np.linspace(330.0, 344.0, months.size)
    return xr.Dataset(
        {
            "record": ("seam", ["co2-mauna-loa"]),
            "older": ("seam", ["old-source"]),
            "newer": ("seam", ["new-source"]),
            "join": ("seam", np.array(["1974-05"], dtype="datetime64[M]").astype(TIME_DTYPE)),
            "n": ("seam", [120]),
            "cadence": ("seam", ["monthly"]),
            "overlap_start": ("seam", months[:1]),
            "overlap_end": ("seam", months[-1:]),
            "drift": ("seam", [np.nan]),
            "drift_se": ("seam", [np.nan]),
            "units": ("seam", ["ppm"]),
            "offset": ("seam", [0.12]),
            "offset_by_month": (("seam", "month"), np.full((1, 12), 0.12)),
            "offset_se": ("seam", [0.01]),
            "step": ("seam", [0.02]),
            "step_se": ("seam", [0.015]),
            "older_value": (("seam", "time"), older[None]),
            "newer_value": (("seam", "time"), older[None] + 0.12),
        },
        coords={"seam": ["co2-mauna-loa: old-source - new-source"], "time": months, "month": np.arange(1, 13)},
    )


def make_ledger(series: dict[str, xr.Dataset]) -> pd.DataFrame:
    """Forecasts issued from the last month of each record, and some made later from two years before."""
    ledger = pd.DataFrame()
    for one in series.values():
        table = make_table(one).sel(model=["trend-ar1", "lstm-direct"])
        for part, made in ((table.isel(origin=slice(-1)), LATER), (table, AT_ISSUE)):
            known = stamp({"new-source": (made, {"values.csv": "ab" * 32})}, made)
            new = issue(part, None, one, MODEL_NAMES, known, 24)
            ledger = new if ledger.empty else append(ledger, new)
    return ledger


def make_shapes() -> dict[str, geopandas.GeoDataFrame]:
    """Two square countries."""
    squares = [shapely.box(0, 0, 20, 20), shapely.box(-60, -30, -40, 0)]
    table = geopandas.GeoDataFrame({"name": ["Squareland", "Boxland"], "key": ["SQL", "BOX"]}, geometry=squares)
    return {"natural-earth": table}


def make_params(series: dict[str, xr.Dataset]) -> Params:
    """The repository's parameters with the blocks and regions of the samples."""
    params = load_params(ROOT / "params.yaml")
    regions = {name: RegionDefinition(title=one.attrs["title"], splice="none") for name, one in series.items()}
    score = params.score.model_copy(update={"blocks": BLOCKS, "reference": "seasonal-naive"})
    return params.model_copy(update={"score": score, "regions": regions, "records": {}, "covariates": {}, "panels": {}})


def make_inputs(**changes: Any) -> ReportInputs:
    """Three regions, one skipped region, two sources."""
    series = {
        "globe": make_series("globe", "The globe"),
        "kiel": make_series("kiel", "Kiel"),
        "mauna-loa-co2": make_series("mauna-loa-co2", "CO2 at Mauna Loa", "co2"),
    }
    provenance = [
        {
            "key": key,
            "title": f"The {key} <record> & more",
            "publisher": "A publisher",
            "version": "1",
            "vintage": "2026-02",
            "channel": channel,
            "status": "ok",
            "files": {"values.csv": {"url": "https://example.org/v.csv", "sha256": "ab" * 32, "bytes": 1234}},
            "licence": "CC0",
            "licence_url": "https://example.org/licence",
            "citation": "Somebody (2026)",
            "doi": "10.1234/5678",
            "homepage": "https://example.org",
            "reasons": ["mirror: no such file"],
        }
        for key, channel in (("old-source", "registry"), ("new-source", "mirror"))
    ]
    inputs = ReportInputs(
        params=make_params(series),
        provenance=provenance,
        series=series,
        forecasts={name: make_table(one) for name, one in series.items()},
        scores=make_scores(RATIOS, P_VALUES),
        hypotheses=make_hypotheses({"information": "better"}),
        opponents=make_opponents(),
        seams=make_seams(),
        breaks=xr.Dataset(
            {
                "record": ("break", ["kiel"]),
                "time": ("break", np.array(["1988-01"], dtype="datetime64[M]").astype(TIME_DTYPE)),
                "shift": ("break", [0.8]),
                "p_value": ("break", [0.0001]),
                "alone": ("break", [True]),
                "declared": ("break", [""]),
            }
        ),
        checks=[
            {"source": "old-source", "check": "no month twice", "status": "ok", "detail": ""},
            {"source": "new-source", "check": "rows never shrink", "status": "warning", "detail": "two fewer"},
        ],
        skipped={"atlantis": "its source is missing"},
        strata=make_strata(series),
        ledger=make_ledger(series),
        revisions=make_revisions(),
        readers={"old-source": "climate/sources/readers/gistemp.py"},
        architecture=(ROOT / "docs" / "architecture.md").read_text("utf-8"),
    )
    return replace(inputs, **changes)
