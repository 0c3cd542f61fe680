"""Where a grid has values, in words, and the command that adds a region there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from climate.errors import ClimateError
from climate.params.regions import DEFAULT_SHAPES
from climate.paths import DATA
from climate.sources.catalogue import find_source
from climate.sources.readers.registry import read_shapes

ALL = 0.995
"""Share of the globe, or of the circle, from which a grid counts as global; grids may leave out the poles."""
EXAMPLES = 3
"""Countries that are named."""


@dataclass(frozen=True)
class Coverage:
    """Where a grid has values in any of some months."""

    share: float
    """Of the globe's area."""
    lat: tuple[float, float]
    lon: tuple[float, float]
    """Degrees, eastward; (-180, 180) all around."""
    countries: tuple[str, ...] = ()
    """Some that lie within, the largest first."""

    @property
    def is_global(self) -> bool:
        """Whether every region can use the grid."""
        return self.share >= ALL

    def in_words(self) -> str:
        """The share and extent, and what regions can use the grid."""
        if self.is_global:
            return "It covers the globe: any box, point, country or AR6 region can use it."
        where = f"{degrees(self.lat[0], 'N', 'S')}-{degrees(self.lat[1], 'N', 'S')}"
        if self.lon != (-180.0, 180.0):
            where += f", {_meridian(self.lon[0])}-{_meridian(self.lon[1])}"
        such = f", such as {', '.join(self.countries)}" if self.countries else ""
        share = "less than 1%" if self.share < 0.005 else f"{self.share:.0%}"
        return f"It covers {share} of the globe: boxes, points, countries and AR6 regions within {where}{such}."

    def next_command(self, key: str) -> str:
        """The command that adds a region of source `key`."""
        add = "climate regions add"
        if self.is_global:
            return f'{add} {key}-globe --title "The globe" --source {key} --box=-90,90,-180,180'
        if self.countries:
            name = self.countries[0]
            region = "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
            return f'{add} {key}-{region} --title "{name}" --source {key} --country "{name}"'
        box = ",".join(f"{number:g}" for number in (*self.lat, *self.lon))
        return f'{add} {key}-box --title "A box" --source {key} --box={box}'


def coverage_of(months: xr.DataArray, *, with_countries: bool) -> Coverage:
    """Where `months` (time, lat, lon), with the edges of cells as the reader of grids gives them, have values.

    Countries are looked up in the polygons of data/, if they are there.
    """
    present = np.isfinite(months.values).any(axis=0)
    south, north, west, east = (months[f"{axis}_{end}"].values for axis in ("lat", "lon") for end in ("lower", "upper"))
    sine = np.sin(np.deg2rad(north)) - np.sin(np.deg2rad(south))
    area = np.outer(sine, np.deg2rad(east - west))
    rows, columns = np.flatnonzero(present.any(axis=1)), np.flatnonzero(present.any(axis=0))
    if not rows.size:
        return Coverage(0.0, (float(south[0]), float(north[-1])), (float(west[0]), float(east[-1])))
    around = (east - west)[columns].sum() >= ALL * 360
    found = Coverage(
        float(area[present].sum() / (4 * np.pi)),
        (float(south[rows[0]]), float(north[rows[-1]])),
        (-180.0, 180.0) if around else (float(west[columns[0]]), float(east[columns[-1]])),
    )
    if found.is_global or not with_countries:
        return found
    return Coverage(found.share, found.lat, found.lon, _countries(found, present, months))


def _countries(within: Coverage, present: NDArray[np.bool_], months: xr.DataArray) -> tuple[str, ...]:
    key = DEFAULT_SHAPES["country"]
    table = None
    with suppress(ClimateError):
        table = read_shapes(find_source(key), DATA / key)
    if table is None:
        return ()
    found: list[tuple[float, str]] = []
    for name, shape in zip(table["name"], table.geometry, strict=True):
        left, bottom, right, top = shape.bounds
        if bottom < within.lat[0] or top > within.lat[1]:
            continue
        turns = [turn for turn in (-360, 0, 360) if within.lon[0] <= left + turn and right + turn <= within.lon[1]]
        point = shape.representative_point()
        if turns and _has_value(point.y, point.x + turns[0], present, months):
            found.append((-shape.area * np.cos(np.deg2rad(point.y)), str(name)))
    return tuple(name for _, name in sorted(found)[:EXAMPLES])


def _has_value(lat: float, lon: float, present: NDArray[np.bool_], months: xr.DataArray) -> bool:
    row = np.argmin(np.abs(months["lat"].values - lat))
    column = np.argmin(np.abs(months["lon"].values - lon))
    return bool(present[row, column])


def degrees(number: float, positive: str, negative: str) -> str:
    """A latitude or longitude with its side; 0 has none."""
    return f"{abs(number):g} {positive if number > 0 else negative}" if number else "0"


def _meridian(lon: float) -> str:
    return degrees((lon + 180) % 360 - 180, "E", "W")
