"""The data behind the pictures: every file with its columns, and what each column means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from climate.report import words
from climate.report.tables import Cell, Column, Table, make_table, numeric

RECORD_UNIT = "unit of the record"
MONTHS, DEGREES, SHARE = "months", "degrees", "share from 0 to 1"

MEANINGS: Mapping[str, tuple[str, str]] = {
    "band": ("Middle latitude of a band", DEGREES),
    "calibrated": ("Share of the area where 85% to 95% of the observations are inside the 90% interval", SHARE),
    "lat": ("Latitude of the cell's centre", DEGREES),
    "lon": ("Longitude of the cell's centre", DEGREES),
    "lead_band": ("First and last lead of a band, in months", ""),
    "lower_area": ("Share of the area where the forecaster has the lower CRPS", SHARE),
    "better_area": ("Share of the area where it is significantly lower (false discovery rate 0.10)", SHARE),
    "worse_area": ("Share of the area where it is significantly higher (false discovery rate 0.10)", SHARE),
    "mean_ratio": ("Geometric mean over the area of the cells' ratios of CRPS", "1"),
    "origins": ("Number of origins", ""),
    "percent_saved": ("CRPS that the forecaster saves against the other one", "%"),
    "total_ratio": ("Ratio of the CRPS averaged over the area", "1"),
    "total_low": ("Lower end of the 90% interval of that ratio", "1"),
    "total_high": ("Upper end of the 90% interval of that ratio", "1"),
    "total_p": ("p value of equal CRPS over the area, two-sided, not corrected", "1"),
    "zone": ("planet, tropics (up to 23.5 degrees), north or south of them", ""),
    "above90": ("Part of the interval score: penalty for observations above the interval", RECORD_UNIT),
    "anomaly": ("Annual mean less the mean of the baseline period", "°C"),
    "below90": ("Part of the interval score: penalty for observations below the interval", RECORD_UNIT),
    "opponent": ("Key of the simple model that all are compared with, chosen on earlier origins", ""),
    "bias": ("Mean of forecast median less observation", RECORD_UNIT),
    "block": ("Range of leads that are scored together, in months", ""),
    "coverage90": ("Share of observations inside the 90% interval", SHARE),
    "coverage90_widened": ("Coverage of forecasts widened by the published uncertainty of the observation", SHARE),
    "crps_low": ("Lower end of the 90% interval of crps", RECORD_UNIT),
    "crps_high": ("Upper end of the 90% interval of crps", RECORD_UNIT),
    "skill_low": ("Lower end of the 90% interval of skill; without bound where the ratio has none", "1"),
    "skill_high": ("Upper end of the 90% interval of skill", "1"),
    "coverage90_low": ("Lower end of the 90% interval of coverage90", SHARE),
    "coverage90_high": ("Upper end of the 90% interval of coverage90", SHARE),
    "crps": ("Mean continuous ranked probability score; lower is better", RECORD_UNIT),
    "high": ("Upper end of the 90% interval of that ratio", "1"),
    "low": ("Lower end of the 90% interval of that ratio", "1"),
    "crps_reference": ("CRPS of the reference of skill at the same months", RECORD_UNIT),
    "saved": ("Share of the error (CRPS) of the simple forecaster that is saved; negative where it is greater", SHARE),
    "crps_seed_mean": ("CRPS of the mean of the seeds' quantiles", RECORD_UNIT),
    "skill": ("1 minus the ratio of CRPS to the reference's; 1 is perfect, 0 the reference", "1"),
    "crps_widened": ("CRPS of forecasts widened by the published uncertainty of the observation", RECORD_UNIT),
    "density": ("Observed over expected frequency of observations between two quantiles; 1 is right", "1"),
    "p": ("p value of equal error, two-sided, not corrected", "1"),
    "east": ("Eastern edge", DEGREES),
    "fitted": ("Part of the annual mean that follows CO2 in the regression", RECORD_UNIT),
    "from": ("Level of the lower quantile", SHARE),
    "interpolated": ("Whether the publisher filled the value in", "True or False"),
    "interval_score90": ("Mean interval score of the 90% interval; lower is better", RECORD_UNIT),
    "interval_score90_widened": (
        "Interval score of forecasts widened by the published uncertainty of the observation",
        RECORD_UNIT,
    ),
    "kind": ("What the row is about: place, panel or planet", ""),
    "lower_quartile": ("25% quantile of skill over the places of a panel", "1"),
    "upper_quartile": ("75% quantile of skill over the places of a panel", "1"),
    "lead": ("Months from the origin to the month that is forecast; 0 for an observation", MONTHS),
    "level": ("Level of the quantile", SHARE),
    "mae": ("Mean absolute error of the median", RECORD_UNIT),
    "mase": ("The same as a multiple of the mean change from one year to the next before the first origin", "1"),
    "model": ("Key of the model, or the word observed", ""),
    "month": ("The month that a value is valid for", "YYYY-MM"),
    "n": ("Number of verified forecasts", ""),
    "newer": ("Value of the newer record of a seam", RECORD_UNIT),
    "newer_minus_older": ("Their difference", RECORD_UNIT),
    "north": ("Northern edge", DEGREES),
    "observed": ("What was observed in that month", RECORD_UNIT),
    "offset": ("What is added to the older record of a seam in that calendar month", RECORD_UNIT),
    "older": ("Value of the older record of a seam", RECORD_UNIT),
    "origin": ("Last observed month that the forecast used", "YYYY-MM"),
    "panel": ("Panel of the figure: reliability or coverage", ""),
    "period": ("Collection period: who measured how", ""),
    "ratio": ("CRPS over that of the opponent or of `against`; in the simulation the true ratio of losses", "1"),
    "ratio_hindsight": ("CRPS over that of the simple model that was best in hindsight", "1"),
    "outcome": ("Verdict on a declared hypothesis: better, worse or same, after Holm's correction", ""),
    "against": ("Key of the model that it is compared with", ""),
    "better": ("Key of the model that a hypothesis says is better", ""),
    "place": ("Key of the region or panel; `planet`: all cells of the grid", ""),
    "places": ("Key of the panel or region that a hypothesis is about", ""),
    "name": ("Key of the hypothesis in params.yaml", ""),
    "memory": ("Correlation of simulated errors from one month to the next", "1"),
    "covered": ("Share of simulated comparisons whose 90% interval held the true ratio", SHARE),
    "region": ("Key of the place in params.yaml", ""),
    "rejected": ("Share of simulated comparisons in which the test rejected equal accuracy", SHARE),
    "rmse": ("Root mean square error of the median", RECORD_UNIT),
    "role": ("What the model is at the place: opponent, best in hindsight, linear learner or network", ""),
    "scaled": ("The anomaly on the stripes' colour scale, by the place's own spread", "1"),
    "scenario": ("Pathway of CO2; the word past for what was observed", ""),
    "seed": ("Which seed of a network; the word mean for the mean of their quantiles", ""),
    "share": ("Share of observations between two quantiles", SHARE),
    "share_below": ("Share of observations below the quantile; equal to the level when reliable", SHARE),
    "site": ("Where it was measured", ""),
    "source": ("Key of the source in the catalogue", ""),
    "south": ("Southern edge", DEGREES),
    "title": ("Name of the place", ""),
    "to": ("Level of the upper quantile", SHARE),
    "trend_per_decade": ("Least-squares slope of annual means", "°C per decade"),
    "twelve_month_mean": ("Centred mean of twelve months", RECORD_UNIT),
    "uncertainty": ("One standard error of the value, as its publisher states it", RECORD_UNIT),
    "value": ("Value of the month", RECORD_UNIT),
    "west": ("Western edge", DEGREES),
    "what": ("observed, own forecast, or a pathway", ""),
    "width90": ("Mean width of the 90% interval", RECORD_UNIT),
    "assessed": ("The IPCC's best estimate of the mean of the years, put onto the record", "°C"),
    "assessed_low": ("Lower end of its very likely range", "°C"),
    "assessed_high": ("Upper end of its very likely range", "°C"),
    "last_year": ("Last year of a period whose mean is given; `year` is the first", "YYYY"),
    "association": ("Term of the mean square skill score: squared correlation of departures from the reference", "1"),
    "conditional_bias": (
        "Term of the mean square skill score: wrong amplitude of departures from the reference, squared",
        "1",
    ),
    "unconditional_bias": ("Term of the mean square skill score: mean error in standard deviations, squared", "1"),
    "reference_bias": (
        "Term of the mean square skill score: mean error of the reference in standard deviations, squared",
        "1",
    ),
    "msss": ("Mean square skill score: 1 minus the ratio of mean square errors of the median to the reference", "1"),
    "crpss": ("1 minus the ratio of CRPS to the reference", "1"),
    "crpss_low": ("Lower end of the 90% interval of crpss", "1"),
    "crpss_high": ("Upper end of the 90% interval of crpss", "1"),
    "correlation": ("Correlation of forecast median and observation", "1"),
    "detrended_correlation": ("The same without the mean of each calendar month and a straight line", "1"),
    "independent": ("Number of periods that do not overlap", "1"),
    "leads": ("Lead of a month, or first and last of a band or of a period whose mean is forecast", MONTHS),
    "rpss": ("Ranked probability skill score of terciles against the reference", "1"),
    "rpss_low": ("Lower end of the 90% interval of rpss", "1"),
    "rpss_high": ("Upper end of the 90% interval of rpss", "1"),
    "rpss_equal": ("Ranked probability skill score of terciles against equal chances", "1"),
    "roc": ("Area under the ROC curve; 0.5 without discrimination", "1"),
    "occurred": ("Share of origins at which the category was observed", SHARE),
    "category": ("Tercile: below, near or above normal", ""),
    "step": ("Forecaster that has one more kind of information than the one before", ""),
    "start": ("Calendar month of the origin, 1 to 12", ""),
    "stated": ("Mean forecast probability of a class", SHARE),
    "frequency": ("Observed frequency in a class of forecast probability", SHARE),
    "bar_low": ("Lower end of the consistency bar of a reliable forecast", SHARE),
    "bar_high": ("Upper end of the consistency bar of a reliable forecast", SHARE),
    "forecasts": ("Number of forecasts in a class of probability", ""),
    "chance": ("Probability that the forecast gave to the tercile that was observed", SHARE),
    "error": ("Median of the forecast less the observation", RECORD_UNIT),
    "hit": ("1 where no tercile was given a higher probability than the one that was observed", ""),
    "inside90": ("1 where the observation lies in the 90% interval", ""),
    "issued": ("Last month that the forecast used", "YYYY-MM"),
    "made": ("At issue, from the newest release of the record; or later, from an older one", ""),
    "target": ("The month, or the first and last of the months, whose mean is forecast", "YYYY-MM"),
    "year": ("Calendar year", "YYYY"),
}
"""Column -> what it means, and its unit. A figure with a new column adds a line here."""

QUANTILE = re.compile(r"q(0\.\d+)")

VINTAGE = re.compile(r"(then|now)_(low|median|high)")
VINTAGES = {"then": "older", "now": "newer"}
BOUNDS = {"low": "5% quantile", "median": "median", "high": "95% quantile"}


@dataclass(frozen=True)
class Download:
    """One CSV file of the report."""

    name: str
    """Without folder and ending."""
    about: str
    columns: tuple[str, ...]
    rows: int
    size: int
    """Bytes."""
    place: str = ""
    """Key of the place that it is of; "" where it is of all."""

    @property
    def kind(self) -> str:
        """Its name without the place."""
        return self.name.removeprefix(f"{self.place}-")


def described(name: str, about: str, data: pd.DataFrame, size: int, places: Sequence[str]) -> Download:
    """A file as the page lists it; its place is the longest key that its name starts with."""
    of = [place for place in places if name.startswith(f"{place}-")]
    columns = tuple(str(column) for column in data.columns)
    return Download(name, about, columns, len(data), size, max(of, key=len, default=""))


CELL = re.compile(r"(percent_saved|different)_(\d+(?:-\d+)?)")
CELLS: Mapping[str, tuple[str, str]] = {
    "percent_saved": ("CRPS saved at leads {leads} (months)", "%"),
    "different": ("Whether the difference at leads {leads} survives a false discovery rate of 0.10", "0 or 1"),
}
"""Columns of maps of the planet: what, and the leads."""


def meaning(column: str) -> tuple[str, str] | None:
    """What a column contains and its unit; None where it is not described."""
    if quantile := QUANTILE.fullmatch(column):
        return f"The forecast's {float(quantile[1]):.0%} quantile", RECORD_UNIT
    if vintage := VINTAGE.fullmatch(column):
        return f"The {BOUNDS[vintage[2]]} of a forecast with the {VINTAGES[vintage[1]]} vintage", RECORD_UNIT
    if cell := CELL.fullmatch(column):
        return CELLS[cell[1]][0].format(leads=cell[2]), CELLS[cell[1]][1]
    return MEANINGS.get(column)


def general_table(files: Sequence[Download]) -> Table:
    """Files that are of no single place."""
    rows = [
        [Cell(f"{file.name}.csv", href=f"data/{file.name}.csv"), file.about, *_extent(file.columns, [file])]
        for file in files
        if not file.place
    ]
    return make_table("Files of all places together.", ["File", *_COLUMNS], rows)


_COLUMNS: list[Column | str] = ["Contents", "Columns", *numeric("Rows", "Size")]


def _extent(columns: Iterable[str], files: Sequence[Download]) -> list[Cell | str]:
    """Columns, rows and size of files together."""
    return [", ".join(columns), f"{sum(file.rows for file in files):,}", size_of(sum(file.size for file in files))]


def place_table(files: Sequence[Download], titles: Mapping[str, str]) -> Table:
    """Files of single places: one row per place, one column per kind."""
    by_name = {(file.place, file.kind): file for file in files if file.place}
    kinds = list(dict.fromkeys(kind for _, kind in by_name))
    rows: list[list[Cell | str]] = []
    for place in dict.fromkeys(place for place, _ in by_name):
        own = [by_name.get((place, kind)) for kind in kinds]
        cells = [
            Cell(file.kind, href=f"data/{file.name}.csv", note=size_of(file.size)) if file else words.NONE
            for file in own
        ]
        rows.append([titles.get(place, place), *cells])
    return make_table("Files of each place.", ["Place", *map(words.capital, kinds)], rows)


def kind_table(files: Sequence[Download]) -> Table:
    """What the files of a place contain, by kind."""
    rows = []
    for kind in dict.fromkeys(file.kind for file in files if file.place):
        same = [file for file in files if file.place and file.kind == kind]
        columns = dict.fromkeys(column for file in same for column in file.columns)
        rows.append([words.capital(kind), ABOUT.get(kind, same[0].about), *_extent(columns, same)])
    return make_table(
        "What the files of a place contain; rows and sizes of all places together.", ["Kind", *_COLUMNS], rows
    )


ABOUT = {
    "record": "The record month by month, as harmonized, with where each value comes from",
    "hindcasts": "Forecasts from a few past origins, and observations",
    "forecast": "The forecast that is issued from the last observed month, and the record before it",
    "scores": "Error and skill of a few models by band of leads, with 90% intervals",
    "leads": "Error, skill and coverage of every model by lead",
    "projection": "Annual means, and their quantiles to mid-century under each pathway of CO2",
    "pit": "Frequency of observations between neighbouring quantiles",
    "interval-parts": "The interval score of every model in its parts: width, and penalties below and above",
    "calibration": "Frequency of observations below each quantile, and inside the 90% interval by band of leads",
}
"""What the kinds of files contain, where the caption of one place is too specific."""


def dictionary_table(files: Sequence[Download]) -> Table:
    """Every column of the files: meaning and unit."""
    columns = sorted({column for file in files for column in file.columns}, key=_by_name)
    return make_table(
        "Columns. The unit of the record is °C for temperature (anomalies from the baseline period) and ppm for CO2.",
        ["Column", "Meaning", "Unit"],
        [[column, *(text or words.NONE for text in meaning(column) or ("", ""))] for column in columns],
    )


def _by_name(column: str) -> tuple[str, float]:
    quantile = QUANTILE.fullmatch(column)
    return ("q", float(quantile[1])) if quantile else (column, 0.0)


def size_of(size: int) -> str:
    """'12 kB' or '0.4 MB'."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{max(1, round(size / 1e3))} kB"
