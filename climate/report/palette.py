"""How every model looks and is called, in every figure, table and sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ModelStyle:
    """Label, colour and line of one model."""

    name: str
    label: str
    phrase: str
    """The label inside a sentence."""
    colour: str
    dash: tuple[float, tuple[float, ...]] | str
    about: str
    """One line for readers who do not know the model."""


# Colours are those of Okabe and Ito (2008) and of the muted scheme of Tol (2021), both made to stay apart for
# colour-blind readers. Networks are warm, classical models cool, so that the two camps separate at a glance.
MODELS: tuple[ModelStyle, ...] = (
    ModelStyle(
        "seasonal-naive",
        "Seasonal naive",
        "the seasonal naive forecast",
        "#8C8C8C",
        (0, (1.0, 1.2)),
        "The last twelve months again.",
    ),
    ModelStyle(
        "seasonal-naive-drift",
        "Seasonal naive + drift",
        "the seasonal naive forecast with drift",
        "#666666",
        (0, (1.0, 1.2)),
        "The last twelve months again, moved along with the record's mean change per year.",
    ),
    ModelStyle(
        "persistence",
        "Persistence",
        "persistence",
        "#B0A080",
        (0, (1.0, 2.0)),
        "The last month's departure from the season, for ever.",
    ),
    ModelStyle(
        "climatology-trend",
        "Climatology + trend",
        "climatology with a trend",
        "#56B4E9",
        (0, (5.0, 1.4)),
        "A mean for each calendar month and a straight line through recent decades.",
    ),
    ModelStyle(
        "trend-ar1",
        "Trend + AR(1)",
        "trend with AR(1)",
        "#0072B2",
        "-",
        "Climatology and trend, and a part of the last month's departure that fades with each month.",
    ),
    ModelStyle(
        "trend-arma",
        "Trend + ARMA",
        "trend with ARMA errors",
        "#44AA99",
        (0, (3.5, 1.0, 1.0, 1.0)),
        "Climatology and trend, with an error that remembers one month and one shock.",
    ),
    ModelStyle(
        "trend-arma-enso",
        "Trend + ARMA + ENSO",
        "trend with ARMA errors and ENSO",
        "#6CC7B8",
        (0, (3.5, 1.0)),
        "The same with lagged Nino 3.4, whose coming months are forecast too.",
    ),
    ModelStyle(
        "autoreg",
        "Autoregression",
        "autoregression",
        "#77AADD",
        (0, (2.0, 1.0)),
        "Trend, season and the last months, by least squares.",
    ),
    ModelStyle(
        "theta",
        "Theta",
        "the Theta method",
        "#99BBCC",
        (0, (4.0, 1.5)),
        "Exponential smoothing with half the slope of a straight line.",
    ),
    ModelStyle(
        "ets",
        "ETS",
        "exponential smoothing (ETS)",
        "#009E73",
        (0, (4.0, 1.0, 1.0, 1.0)),
        "Exponential smoothing of level, trend and season.",
    ),
    ModelStyle(
        "stl-ets",
        "STL + ETS",
        "STL with exponential smoothing",
        "#5AAE61",
        (0, (1.5, 1.0)),
        "The season by local regression, what is left by exponential smoothing.",
    ),
    ModelStyle(
        "sarima",
        "SARIMA",
        "SARIMA",
        "#117733",
        (0, (2.5, 1.0)),
        "Seasonal autoregressive integrated moving average.",
    ),
    ModelStyle(
        "sarima-auto",
        "SARIMA, order chosen",
        "SARIMA with its order chosen",
        "#3C8D53",
        (0, (2.5, 1.0, 1.0, 1.0)),
        "SARIMA whose order the corrected AIC chooses anew at each estimation.",
    ),
    ModelStyle(
        "sarimax-enso",
        "SARIMA + ENSO",
        "SARIMA with ENSO",
        "#2166AC",
        "-",
        "SARIMA with lagged Nino 3.4, whose coming months are forecast too.",
    ),
    ModelStyle(
        "unobserved-components",
        "Unobserved components",
        "the unobserved-components model",
        "#332288",
        (0, (6.0, 1.5, 1.2, 1.5)),
        "A structural model: level, slope and season, each free to wander a little.",
    ),
    ModelStyle(
        "ridge-enso",
        "Ridge + ENSO",
        "ridge regression with ENSO",
        "#AA4499",
        "-",
        "Linear regression per lead on the record's recent past and on the Nino 3.4 index up to the origin.",
    ),
    ModelStyle(
        "ridge-pooled",
        "Ridge, pooled",
        "the pooled ridge regression",
        "#CC79A7",
        (0, (4.0, 1.2)),
        "Linear regression per lead, shared by many places, and the place's own on the whole planet's temperature.",
    ),
    ModelStyle(
        "lstm-pooled",
        "LSTM, pooled",
        "the pooled LSTM",
        "#A62C2B",
        "-",
        "One network that learnt from many places and is applied to each as it is, beside the pooled ridge regression.",
    ),
    ModelStyle(
        "ridge-hybrid",
        "Ridge hybrid",
        "the ridge hybrid",
        "#CC79A7",
        (0, (4.0, 1.0)),
        "What SARIMA and a damped trend expect, plus what lagged Nino 3.4 adds by linear regression.",
    ),
    ModelStyle(
        "lstm-tutorial",
        "LSTM, tutorial style",
        "the LSTM as tutorials write it",
        "#E69F00",
        (0, (3.0, 1.2)),
        "A network fed with scaled levels that forecasts one month and feeds it back, as many tutorials show it.",
    ),
    ModelStyle(
        "lstm-direct",
        "LSTM",
        "the LSTM",
        "#D55E00",
        "-",
        "A network that gives the change from the origin for all leads at once, as quantiles, without the season.",
    ),
    ModelStyle(
        "lstm-hybrid",
        "LSTM hybrid",
        "the LSTM hybrid",
        "#B2182B",
        (0, (5.0, 1.0)),
        "What SARIMA and a damped trend expect, plus what a network sees in lagged Nino 3.4.",
    ),
    ModelStyle(
        "dense-numpy",
        "Dense network",
        "the dense network",
        "#DDAA33",
        (0, (1.5, 1.0)),
        "A plain network of dense layers, written by hand.",
    ),
    ModelStyle(
        "mean-equal",
        "Mean of models",
        "the mean of several models",
        "#000000",
        "-",
        "The mean of the quantiles of several models, statistical ones and learners.",
    ),
    ModelStyle(
        "mean-trimmed",
        "Trimmed mean",
        "the trimmed mean of several models",
        "#4D4D4D",
        (0, (2.0, 1.0)),
        "The same without the highest and the lowest of them.",
    ),
    ModelStyle(
        "mean-weighted",
        "Weighted mean",
        "the weighted mean of several models",
        "#882255",
        (0, (5.0, 1.2)),
        "The same with weights learnt from errors that were known at each origin.",
    ),
)

PRIMARY_LSTMS = ("lstm-direct", "lstm")
"""The network that verdicts speak of: the first of these that was run, else the first whose name starts with lstm."""

OBSERVED = "#1A1A1A"
"""Colour of what was observed."""

SPARE_COLOURS = ("#997700", "#999933", "#CC6677", "#88CCEE", "#DDCC77", "#661100")
"""For models that have no entry yet, by order of name."""

PERIOD_TINTS = ("#DCE6EF", "#F1E3D3", "#DFEBDD", "#E9DFEC", "#F0EBCF", "#D8ECEA", "#F0DCDD", "#E4E4E4")
"""Collection periods, in order of appearance."""

_KNOWN = {style.name: style for style in MODELS}


def ordered(names: Iterable[str]) -> list[str]:
    """`names` in the fixed order of `MODELS`; unknown ones follow by name."""
    rank = {style.name: place for place, style in enumerate(MODELS)}
    return sorted(set(names), key=lambda name: (rank.get(name, len(rank)), name))


def style_of(name: str) -> ModelStyle:
    """Style of a model; a model without an entry gets its own name and a colour that depends on the name alone."""
    if name in _KNOWN:
        return _KNOWN[name]
    colour = SPARE_COLOURS[sum(name.encode()) % len(SPARE_COLOURS)]
    return ModelStyle(name, name, name, colour, (0, (4.0, 1.0)), "")


def is_network(name: str) -> bool:
    """Whether `name` is an LSTM."""
    return name.startswith("lstm")


def primary_lstm(names: Iterable[str]) -> str | None:
    """The LSTM that verdicts speak of, None if no network was run."""
    present = list(names)
    for name in PRIMARY_LSTMS:
        if name in present:
            return name
    return next((name for name in ordered(present) if is_network(name)), None)
