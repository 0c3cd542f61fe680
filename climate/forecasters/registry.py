"""Every model of the project: its kind, name, appearance and maker.

Light to import, so that parameters can be checked against it: makers are named, not imported. To add a model, write a
forecaster (`base.Forecaster`), add an entry to ENTRIES and its name to params.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from typing import Any, Literal

from climate.errors import ClimateError, suggest
from climate.schema import MAX_LEADS

Section = Literal["baselines", "lstm", "planet"]
"""Sections of params.yaml that list models to run."""


class Kind(Enum):
    """Kind of a model. The best classical model is chosen among CLASSICAL ones alone."""

    CLASSICAL = "classical"
    """A statistical model, with a covariate or without."""
    LINEAR = "linear"
    """A linear regression on predictors such as those that the networks read."""
    NETWORK = "network"
    COMBINATION = "combination"
    """Computed from the forecasts of other models."""


@dataclass(frozen=True)
class Style:
    """Name and appearance of a model."""

    name: str
    """Name in params.yaml, tables and files."""
    label: str
    phrase: str
    """The label inside a sentence."""
    colour: str
    dash: tuple[float, tuple[float, ...]] | str
    about: str
    """One sentence for readers who do not know the model."""


@dataclass(frozen=True, kw_only=True)
class Model(Style):
    """One model."""

    kind: Kind
    maker: str = ""
    """The callable of `make` as "module:attribute"; empty for combinations, see `combine.ensemble`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of the maker."""
    section: Section | None = None
    """Section of params.yaml that lists it."""
    longest_lead: int | None = None
    """Longest lead (months); None: no limit."""
    calibrated: bool = True
    """Whether its intervals are calibrated."""
    combined: bool = False
    """Whether combinations include it. Chosen on origins whose forecasts end before 2004: docs/forecasters.md."""
    on_panels: bool = False
    """Whether it runs on a panel that names no models."""
    informed_by: str = ""
    """What a learner knows, inside a sentence; learners with the same words are compared with each other."""
    known_covariates: str = ""
    """Its name in tables where it is given the realised covariates, which is no forecast and never a candidate; empty
    for models without covariates or without that option."""


# Colours are those of Okabe and Ito (2008) and of the muted scheme of Tol (2021), both distinguishable for
# colour-blind readers. Networks are warm, classical models cool. The order is that of legends and tables.
ENTRIES: tuple[Model, ...] = (
    Model(
        name="seasonal-naive",
        kind=Kind.CLASSICAL,
        label="Seasonal naive",
        phrase="the seasonal naive forecast",
        colour="#8C8C8C",
        dash=(0, (1.0, 1.2)),
        about="The last twelve months again.",
        maker="climate.forecasters.classical.naive:SeasonalNaive",
        section="baselines",
        calibrated=False,
        on_panels=True,
    ),
    Model(
        name="seasonal-naive-drift",
        kind=Kind.CLASSICAL,
        label="Seasonal naive + drift",
        phrase="the seasonal naive forecast with drift",
        colour="#666666",
        dash=(0, (1.0, 1.2)),
        about="The last twelve months again, moved along with the record's mean change per year.",
        maker="climate.forecasters.classical.naive:SeasonalNaive",
        options={"drift": True},
        section="baselines",
        calibrated=False,
    ),
    Model(
        name="persistence",
        kind=Kind.CLASSICAL,
        label="Persistence",
        phrase="persistence",
        colour="#B0A080",
        dash=(0, (1.0, 2.0)),
        about="The last month's departure from the season, held at all leads.",
        maker="climate.forecasters.classical.naive:Persistence",
        section="baselines",
        calibrated=False,
    ),
    Model(
        name="climatology-trend",
        kind=Kind.CLASSICAL,
        label="Climatology + trend",
        phrase="climatology with a trend",
        colour="#56B4E9",
        dash=(0, (5.0, 1.4)),
        about="A mean for each calendar month and a straight line through recent decades.",
        maker="climate.forecasters.classical.trend:ClimatologyTrend",
        section="baselines",
        on_panels=True,
    ),
    Model(
        name="trend-ar1",
        kind=Kind.CLASSICAL,
        label="Trend + AR(1)",
        phrase="trend with AR(1)",
        colour="#0072B2",
        dash="-",
        about="Climatology and trend, and a part of the last month's departure that fades with each month.",
        maker="climate.forecasters.classical.trend:ClimatologyTrend",
        options={"residual": True},
        section="baselines",
        on_panels=True,
    ),
    Model(
        name="trend-arma",
        kind=Kind.CLASSICAL,
        label="Trend + ARMA",
        phrase="trend with ARMA errors",
        colour="#44AA99",
        dash=(0, (3.5, 1.0, 1.0, 1.0)),
        about="Climatology and trend, with an error that remembers one month and one shock.",
        maker="climate.forecasters.classical.statespace:TrendArma",
        section="baselines",
        combined=True,
    ),
    Model(
        name="trend-arma-enso",
        kind=Kind.CLASSICAL,
        label="Trend + ARMA + ENSO",
        phrase="trend with ARMA errors and ENSO",
        colour="#6CC7B8",
        dash=(0, (3.5, 1.0)),
        about="The same with lagged Nino 3.4, whose coming months are forecast too.",
        maker="climate.forecasters.classical.arima:trend_arma_enso",
        section="baselines",
        known_covariates="trend-arma-enso-known",
    ),
    Model(
        name="autoreg",
        kind=Kind.CLASSICAL,
        label="Autoregression",
        phrase="autoregression",
        colour="#77AADD",
        dash=(0, (2.0, 1.0)),
        about="Trend, season and the last months, by least squares.",
        maker="climate.forecasters.classical.autoreg:AutoReg",
        section="baselines",
    ),
    Model(
        name="theta",
        kind=Kind.CLASSICAL,
        label="Theta",
        phrase="the Theta method",
        colour="#99BBCC",
        dash=(0, (4.0, 1.5)),
        about="Exponential smoothing with half the slope of a straight line.",
        maker="climate.forecasters.classical.theta:Theta",
        section="baselines",
    ),
    Model(
        name="ets",
        kind=Kind.CLASSICAL,
        label="ETS",
        phrase="exponential smoothing (ETS)",
        colour="#009E73",
        dash=(0, (4.0, 1.0, 1.0, 1.0)),
        about="Exponential smoothing of level, trend and season.",
        maker="climate.forecasters.classical.smoothing:Ets",
        section="baselines",
    ),
    Model(
        name="stl-ets",
        kind=Kind.CLASSICAL,
        label="STL + ETS",
        phrase="STL with exponential smoothing",
        colour="#5AAE61",
        dash=(0, (1.5, 1.0)),
        about="The season by local regression, the remainder by exponential smoothing.",
        maker="climate.forecasters.classical.decomposition:StlEts",
        section="baselines",
    ),
    Model(
        name="sarima",
        kind=Kind.CLASSICAL,
        label="SARIMA",
        phrase="SARIMA",
        colour="#117733",
        dash=(0, (2.5, 1.0)),
        about="Seasonal autoregressive integrated moving average.",
        maker="climate.forecasters.classical.statespace:Sarima",
        section="baselines",
        combined=True,
    ),
    Model(
        name="sarima-auto",
        kind=Kind.CLASSICAL,
        label="SARIMA, order chosen",
        phrase="SARIMA with its order chosen",
        colour="#3C8D53",
        dash=(0, (2.5, 1.0, 1.0, 1.0)),
        about="SARIMA whose order the corrected AIC chooses anew at each estimation.",
        maker="climate.forecasters.classical.arima:SarimaAuto",
        section="baselines",
    ),
    Model(
        name="sarimax-enso",
        kind=Kind.CLASSICAL,
        label="SARIMA + ENSO",
        phrase="SARIMA with ENSO",
        colour="#2166AC",
        dash=(0, (7.0, 1.2)),
        about="SARIMA with lagged Nino 3.4, whose coming months are forecast too.",
        maker="climate.forecasters.classical.arima:sarimax_enso",
        section="baselines",
        combined=True,
        known_covariates="sarimax-enso-known",
    ),
    Model(
        name="unobserved-components",
        kind=Kind.CLASSICAL,
        label="Unobserved components",
        phrase="the unobserved-components model",
        colour="#332288",
        dash=(0, (6.0, 1.5, 1.2, 1.5)),
        about="A structural model: level, slope and season, each free to wander a little.",
        maker="climate.forecasters.classical.statespace:UnobservedComponents",
        section="baselines",
    ),
    Model(
        name="ridge-own",
        kind=Kind.LINEAR,
        informed_by="the record's past",
        label="Ridge, own record",
        phrase="ridge regression on the record alone",
        colour="#CC99BB",
        dash=(0, (1.0, 1.2)),
        about="Linear regression per lead on the record's recent past alone.",
        maker="climate.forecasters.classical.ridge:DirectRidge",
        options={"name": "ridge-own", "uses_covariates": False},
        section="baselines",
    ),
    Model(
        name="ridge-enso",
        kind=Kind.LINEAR,
        informed_by="the record's past and the state of ENSO",
        label="Ridge + ENSO",
        phrase="ridge regression with ENSO",
        colour="#AA4499",
        dash="-",
        about="Linear regression per lead on the record's recent past and on the Nino 3.4 index up to the origin.",
        maker="climate.forecasters.classical.ridge:DirectRidge",
        section="baselines",
    ),
    Model(
        name="ridge-planet",
        kind=Kind.LINEAR,
        informed_by="the past of the whole planet",
        label="Ridge, planet",
        phrase="the planet's ridge regression",
        colour="#CC79A7",
        dash=(0, (4.0, 1.2)),
        about="Linear regression per lead: one part that all places share, and one of the place's own on the planet.",
        maker="climate.forecasters.planet.forecaster:PlanetForecaster",
        options={"network": False},
        section="planet",
        longest_lead=MAX_LEADS,
    ),
    Model(
        name="lstm-planet",
        kind=Kind.NETWORK,
        informed_by="the past of the whole planet",
        label="LSTM, planet",
        phrase="the planet's LSTM",
        colour="#A62C2B",
        dash="-",
        about="One network for the planet, applied to each place unchanged, beside the planet's ridge regression.",
        maker="climate.forecasters.planet.forecaster:PlanetForecaster",
        options={"network": True},
        section="planet",
        longest_lead=MAX_LEADS,
    ),
    Model(
        name="ridge-hybrid",
        kind=Kind.LINEAR,
        label="Ridge hybrid",
        phrase="the ridge hybrid",
        colour="#EE99AA",
        dash=(0, (4.0, 1.0)),
        about="The mean of SARIMA and a damped trend, plus its residual by linear regression on lagged Nino 3.4.",
        maker="climate.forecasters.hybrid:RidgeHybrid",
        section="baselines",
        longest_lead=MAX_LEADS,
        combined=True,
    ),
    Model(
        name="lstm-tutorial",
        kind=Kind.NETWORK,
        label="LSTM, tutorial style",
        phrase="the LSTM as tutorials write it",
        colour="#E69F00",
        dash=(0, (3.0, 1.2)),
        about="A network fed with scaled levels that forecasts one month and feeds it back, as many tutorials show it.",
        maker="climate.forecasters.networks.tutorial:TutorialLstm",
        section="lstm",
        calibrated=False,
    ),
    Model(
        name="lstm-direct",
        kind=Kind.NETWORK,
        informed_by="the record's past and the state of ENSO",
        label="LSTM",
        phrase="the LSTM",
        colour="#D55E00",
        dash="-",
        about="A network that predicts quantiles of the change from the origin, without the season, for all leads.",
        maker="climate.forecasters.networks.lstm:DirectLstm",
        section="lstm",
        longest_lead=MAX_LEADS,
        combined=True,
    ),
    Model(
        name="lstm-own",
        kind=Kind.NETWORK,
        informed_by="the record's past",
        label="LSTM, own record",
        phrase="the LSTM on the record alone",
        colour="#F0936B",
        dash=(0, (1.0, 1.2)),
        about="The same network without the Nino 3.4 index, so that it knows the record's own past alone.",
        maker="climate.forecasters.networks.lstm:DirectLstm",
        options={"name": "lstm-own", "uses_covariates": False},
        section="lstm",
        longest_lead=MAX_LEADS,
    ),
    Model(
        name="lstm-hybrid",
        kind=Kind.NETWORK,
        label="LSTM hybrid",
        phrase="the LSTM hybrid",
        colour="#B2182B",
        dash=(0, (5.0, 1.0)),
        about="The mean of SARIMA and a damped trend, plus its residual by a network that reads lagged Nino 3.4.",
        maker="climate.forecasters.networks.hybrid_lstm:HybridLstm",
        section="lstm",
        longest_lead=MAX_LEADS,
        combined=True,
    ),
    Model(
        name="dense-numpy",
        kind=Kind.NETWORK,
        label="Dense network",
        phrase="the dense network",
        colour="#DDAA33",
        dash=(0, (1.5, 1.0)),
        about="A plain network of dense layers, written by hand.",
        maker="climate.forecasters.networks.dense:DenseNumpy",
        section="lstm",
        longest_lead=MAX_LEADS,
    ),
    Model(
        name="mean-equal",
        kind=Kind.COMBINATION,
        label="Mean of models",
        phrase="the mean of several models",
        colour="#000000",
        dash="-",
        about="The mean of the quantiles of several models, statistical ones and learners.",
    ),
    Model(
        name="mean-trimmed",
        kind=Kind.COMBINATION,
        label="Trimmed mean",
        phrase="the trimmed mean of several models",
        colour="#4D4D4D",
        dash=(0, (2.0, 1.0)),
        about="The same without the highest and the lowest of them.",
    ),
    Model(
        name="mean-weighted",
        kind=Kind.COMBINATION,
        label="Weighted mean",
        phrase="the weighted mean of several models",
        colour="#882255",
        dash=(0, (5.0, 1.2)),
        about="The same with weights estimated from errors that were known at each origin.",
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in ENTRIES}
"""The models by name."""

PRIMARY_NETWORK = "lstm-direct"
"""The network that verdicts are about, where it was run."""


def find_model(name: str, among: Iterable[str] | None = None, key: str = "model") -> Model:
    """The model `name`, one of `among` (default: all). `key` is where the name was found, for the message.

    Raises:
        ClimateError: there is no such model; near names are given.
    """
    known = list(MODELS if among is None else among)
    if name not in known:
        near = suggest(name, known)
        raise ClimateError(
            f"{key}: unknown model '{name}', expected one such as {near}; all: {', '.join(known)}; correct the name"
        )
    return MODELS[name]


def names_of(*sections: Section) -> list[str]:
    """Models that these sections of params.yaml may list."""
    return [model.name for model in MODELS.values() if model.section in sections]


def is_kind(name: str, *kinds: Kind) -> bool:
    """Whether `name` is a model of one of `kinds`; False for a name without an entry."""
    return name in MODELS and MODELS[name].kind in kinds


def calibrated(names: Iterable[str]) -> list[str]:
    """Those of `names` whose intervals are rescaled per lead by the errors known at each origin."""
    return [name for name in names if MODELS[name].calibrated]


def ordered(names: Iterable[str]) -> list[str]:
    """`names` in the order of the registry; those without an entry follow by name."""
    rank = {name: position for position, name in enumerate(MODELS)}
    return sorted(set(names), key=lambda name: (rank.get(name, len(rank)), name))


def primary_network(names: Iterable[str]) -> str | None:
    """The network among `names` that verdicts are about: PRIMARY_NETWORK, or else the first; None without any."""
    networks = [name for name in ordered(names) if is_kind(name, Kind.NETWORK)]
    return PRIMARY_NETWORK if PRIMARY_NETWORK in networks else next(iter(networks), None)


def learner_pair(names: Iterable[str]) -> tuple[str, str] | None:
    """The linear model and the network among `names` that know the same and the most; None without such a pair."""
    learners = [MODELS[name] for name in ordered(names) if name in MODELS and MODELS[name].informed_by]
    pairs = [
        (linear.name, network.name)
        for linear in learners
        for network in learners
        if linear.informed_by == network.informed_by and (linear.kind, network.kind) == (Kind.LINEAR, Kind.NETWORK)
    ]
    return pairs[-1] if pairs else None


def make(name: str, *settings: Any) -> Any:
    """A forecaster of model `name`; `settings` are the arguments of its maker.

    None for `baselines`, `networks.settings.NetworkSettings` for `lstm`, the estimations of the planet for `planet`.

    Raises:
        ClimateError: there is no such model, or it is a combination.
    """
    model = find_model(name)
    if not model.maker:
        raise ClimateError(f"model '{name}' is a {model.kind.value} of others and cannot be run alone")
    module, _, attribute = model.maker.partition(":")
    return getattr(import_module(module), attribute)(*settings, **model.options)
