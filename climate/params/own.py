"""Files of the user's own: the entries of pull.own, and the keys that they may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from climate.params.regions import Strict, Year, as_tuple
from climate.sources.catalogue import Source, SourceFile, Vintage, load_catalogue

PUBLISHER = "own file"
LATEST = "latest"
"""The one vintage of a file of one's own: whatever the file holds when it is pulled."""
NOT_STATED = "not stated"


class OwnSource(Strict):
    """A file of the user's own and what it holds, which is what the catalogue says of a publisher's source."""

    path: str = Field(min_length=1)
    """A file, a folder, a pattern such as ~/era5/*.nc, or an archive; relative to the repository's top folder."""
    title: str = Field(min_length=1)
    quantity: Literal["temperature", "co2", "index"]
    kind: Literal["absolute", "anomaly"]
    unit: str = Field(min_length=1)
    baseline: tuple[Year, Year] | None = None
    """First and last year of the period that anomalies are departures from; None where it is unknown."""
    cadence: Literal["daily", "weekly", "monthly", "annual", "irregular"] = "monthly"
    reader: str = "netcdf_grid"
    """A key of climate.sources.readers.registry.READERS."""
    variable: str | None = None
    """Of a grid; not needed if there is only one."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Further options of the reader, such as {select: {level: 1000}}."""
    valid_range: tuple[float, float] | None = None
    licence: str = NOT_STATED
    citation: str = ""
    homepage: str = ""

    _tuples = field_validator("baseline", "valid_range", mode="before")(as_tuple)

    @model_validator(mode="after")
    def _consistent(self) -> OwnSource:
        if self.baseline is not None and self.kind != "anomaly":
            raise ValueError(f"only anomalies have a baseline, but kind is {self.kind}; remove one of them")
        if self.baseline is not None and self.baseline[0] > self.baseline[1]:
            raise ValueError(f"baseline must run from a first to a last year, found {list(self.baseline)}")
        return self

    def source(self, key: str) -> Source:
        """The entry as a source; what files it has is known once it is pulled."""
        described = self.model_dump(include={*Source.model_fields} & {*OwnSource.model_fields})
        variable = {} if self.variable is None else {"variable": self.variable}
        return Source(
            **described
            | {
                "key": key,
                "own": True,
                "publisher": PUBLISHER,
                "citation": self.citation or f"{self.title}, a file of the user's own",
                "options": variable | self.options,
                "files": (SourceFile(name=key, url="", mirror=""),),
                "channels": (),
                "vintages": {LATEST: Vintage()},
            }
        )


def check_keys(own: Mapping[str, OwnSource], taken: Mapping[str, Any]) -> None:
    """Raise ValueError for a key that the catalogue or pull.sources has."""
    for key in own:
        if key in load_catalogue() or key in taken:
            raise ValueError(f"own.{key}: the key is taken by a source of the catalogue; choose another")
