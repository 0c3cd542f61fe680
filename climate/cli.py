"""The `climate` command: each stage of dvc.yaml is one of its commands."""

from __future__ import annotations

import errno
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from climate.errors import ClimateError

DISK_TROUBLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
"""A full, read-only, foreign or broken disk: said in one line, wherever it shows."""

app = typer.Typer(
    help="Climate records, harmonized and forecast.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

sources = typer.Typer(help="The catalogue of sources.", no_args_is_help=True)
regions = typer.Typer(help="The places of params.yaml.", no_args_is_help=True)
app.add_typer(sources, name="sources")
app.add_typer(regions, name="regions")
vintages = typer.Typer(help="Releases of the sources, and what was revised.", no_args_is_help=True)
app.add_typer(vintages, name="vintages")

Region = Annotated[str, typer.Argument(help="A key of `regions` in params.yaml.", metavar="REGION")]
PanelName = Annotated[str, typer.Argument(help="A key of `panels` in params.yaml.", metavar="PANEL")]
NotebookName = Annotated[str, typer.Argument(help="A key of `notebooks` in params.yaml.", metavar="NOTEBOOK")]
SourceKey = Annotated[str, typer.Argument(help="A key of the catalogue.", metavar="SOURCE")]


@app.command()
def pull(source: SourceKey) -> None:
    """Fetch one source at the vintage that params.yaml names, into downloads/."""
    from climate.stages.pull import run

    run(source)


@app.command()
def harmonize() -> None:
    """Bring all pulled sources to one axis, unit and baseline, and make the regions' series."""
    from climate.stages.harmonize import run

    run()


@app.command()
def baselines(region: Region) -> None:
    """Hindcast one region with the classical models."""
    from climate.stages.baselines import run

    run(region)


@app.command()
def lstm(region: Region) -> None:
    """Hindcast one region with the Keras LSTMs."""
    from climate.stages.lstm import run

    run(region)


@app.command()
def planet() -> None:
    """Learn from the whole planet, and forecast and score every cell of the reference grid."""
    from climate.stages.planet import run

    run()


@app.command()
def combine(region: Region) -> None:
    """Hindcast one region with the planet's forecasters; combine and calibrate all its forecasts."""
    from climate.stages.combine import run

    run(region)


@app.command()
def panel(name: PanelName) -> None:
    """Hindcast and score every region of a panel."""
    from climate.stages.panels import run

    run(name)


@app.command()
def panel_page(name: PanelName) -> None:
    """Render the page of a panel."""
    from climate.stages.panel_page import run

    run(name)


@app.command()
def score() -> None:
    """Score all regions on the common sample."""
    from climate.stages.score import run

    run()


@app.command()
def planet_score() -> None:
    """Compare the forecasts of the planet's cells."""
    from climate.stages.planet_score import run

    run()


@app.command()
def seasonal() -> None:
    """Score means of seasons and years of all regions, as forecast centres do."""
    from climate.stages.seasonal import run

    run()


@app.command()
def project() -> None:
    """Project temperature to mid-century under the pathways of CO2, and check it on earlier years."""
    from climate.stages.project import run

    run()


@app.command()
def ceiling(region: Region) -> None:
    """Hindcast one region with models that are given the future of their covariates: a ceiling, not a forecast."""
    from climate.stages.ceiling import run

    run(region)


@app.command()
def ledger() -> None:
    """Write the issued forecasts down in reports/ledger.csv, whose lines never change."""
    from climate.stages.ledger import run

    run()


@app.command()
def revisions() -> None:
    """Compare the pinned vintages with the ones before them."""
    from climate.stages.revisions import run

    run()


@app.command()
def notebook(name: NotebookName) -> None:
    """Run a notebook and make its page or slides."""
    from climate.stages.notebook import run

    run(name)


@app.command()
def report() -> None:
    """Render reports/."""
    from climate.stages.report import run

    run()


@sources.command("list")
def sources_list() -> None:
    """Every source of the catalogue, with its vintages."""
    from climate.commands.sources import listing

    print(listing())


@sources.command("show")
def sources_show(source: SourceKey) -> None:
    """One source: publisher, files, licence, citation, vintages and the channels of each."""
    from climate.commands.sources import details

    print(details(source))


@sources.command("add")
def sources_add(
    keys: Annotated[
        list[str],
        typer.Argument(help="Keys of the catalogue, or with --path a new key for a file of your own.", metavar="KEY"),
    ],
    path: Annotated[
        str | None, typer.Option(help="A file of your own: a file, folder, 'quoted/*.nc' or zip or gzip archive.")
    ] = None,
    variable: Annotated[str | None, typer.Option(help="Of a grid with several variables.")] = None,
    kind: Annotated[str | None, typer.Option(help="absolute or anomaly.")] = None,
    baseline: Annotated[str | None, typer.Option(help="Of anomalies: 1961-1990, or unknown.")] = None,
    unit: Annotated[str | None, typer.Option(help="Of a table: degC, K, ppm or another.")] = None,
    quantity: Annotated[str | None, typer.Option(help="temperature, co2 or index.")] = None,
    cadence: Annotated[str | None, typer.Option(help="daily, weekly, monthly, annual or irregular.")] = None,
    title: Annotated[str | None, typer.Option(help="Name in the report.")] = None,
    licence: Annotated[str | None, typer.Option(help="Of the data, such as CC BY 4.0.")] = None,
    citation: Annotated[str | None, typer.Option(help="How the data are to be cited.")] = None,
    homepage: Annotated[str | None, typer.Option(help="Where the data are described, https://...")] = None,
    reader: Annotated[str | None, typer.Option(help="Of a publisher's format, such as gistemp.")] = None,
) -> None:
    """Switch sources of the catalogue on, or make a file of your own a source; params.yaml keeps its comments."""
    from climate.commands.sources import add, add_own

    given = {
        "variable": variable,
        "kind": kind,
        "baseline": baseline,
        "unit": unit,
        "quantity": quantity,
        "cadence": cadence,
        "title": title,
        "licence": licence,
        "citation": citation,
        "homepage": homepage,
        "reader": reader,
    }
    options = {name: value for name, value in given.items() if value is not None}

    def ask(question: str, default: str) -> str:
        return str(typer.prompt(question, default=default, show_default=bool(default)))

    print(add(keys, options) if path is None else add_own(keys, path, options, ask if sys.stdin.isatty() else None))


@regions.command("list")
def regions_list() -> None:
    """Every region, record and covariate of params.yaml, and what it rests on."""
    from climate.commands.regions import listing

    print(listing())


@regions.command("show")
def regions_show(region: Region) -> None:
    """What a region, record or covariate uses, from when to when, what is missing, and a small plot."""
    from climate.commands.regions import details

    print(details(region))


@regions.command("polygons")
def regions_polygons(
    source: Annotated[str, typer.Argument(help="A source of polygons.", metavar="SOURCE")] = "natural-earth",
) -> None:
    """Names and keys of the polygons that regions can be made of."""
    from climate.commands.region_extent import polygon_names

    print(polygon_names(source))


@regions.command("add")
def regions_add(
    name: Annotated[str, typer.Argument(help="Key of the new region: lower case, digits, hyphens.", metavar="NAME")],
    title: Annotated[str, typer.Option(help="Name in the report.")],
    source: Annotated[str | None, typer.Option(help="A key of the catalogue.")] = None,
    country: Annotated[str | None, typer.Option(help="A Natural Earth country.")] = None,
    ar6: Annotated[str | None, typer.Option(help="An IPCC AR6 region, name or abbreviation.")] = None,
    series: Annotated[str | None, typer.Option(help="A series that the source publishes.")] = None,
    splice: Annotated[str | None, typer.Option(help="A key of harmonize.splices.")] = None,
    combination: Annotated[str | None, typer.Option(help="A key of harmonize.combinations.")] = None,
    mix: Annotated[str | None, typer.Option(help="Other regions with weights: germany=0.5,india=0.5")] = None,
    box: Annotated[str | None, typer.Option(help="south,north,west,east in degrees.")] = None,
    point: Annotated[str | None, typer.Option(help="lat,lon in degrees: one cell of a grid.")] = None,
    method: Annotated[str, typer.Option(help="Of a point: nearest or bilinear.")] = "nearest",
    shapes: Annotated[str | None, typer.Option(help="A source of polygons other than the usual one.")] = None,
    part: Annotated[str | None, typer.Option(help="Of a country: mainland, its largest polygon alone.")] = None,
    start: Annotated[str | None, typer.Option(help="First month to use, YYYY-MM.")] = None,
    end: Annotated[str | None, typer.Option(help="Last month to use, YYYY-MM.")] = None,
) -> None:
    """Add a region to params.yaml, whose comments are kept."""
    from climate.commands.regions import add, parse_box, parse_mix, parse_point

    given = {
        "title": title,
        "source": source,
        "country": country,
        "ar6": ar6,
        "series": series,
        "splice": splice,
        "combination": combination,
        "mix": parse_mix(mix),
        "box": parse_box(box),
        "point": parse_point(point, method),
        "shapes": shapes,
        "part": part,
        "start": start,
        "end": end,
    }
    print(add(name, {key: value for key, value in given.items() if value is not None}))


@vintages.command("list")
def vintages_list(source: SourceKey) -> None:
    """Every vintage of one source, its channels, and which one is in use."""
    from climate.commands.vintages import listing

    print(listing(source))


@vintages.command("diff")
def vintages_diff(
    source: SourceKey,
    old: Annotated[str, typer.Argument(help="A vintage, or SOURCE@VINTAGE.", metavar="A")],
    new: Annotated[str, typer.Argument(help="A vintage, or SOURCE@VINTAGE.", metavar="B")],
    csv: Annotated[Path | None, typer.Option(help="A file for every difference.")] = None,
) -> None:
    """What changed from one vintage to another: rows, revisions, header, scale and baseline."""
    from climate.commands.vintages import diff

    print(diff(source, old, new, csv))


@vintages.command("forecast")
def vintages_forecast(
    source: SourceKey,
    old: Annotated[str, typer.Argument(help="The vintage that was known then.", metavar="A")],
    new: Annotated[str, typer.Argument(help="The vintage to compare with.", metavar="B")],
    series: Annotated[str | None, typer.Option(help="A series of the source; the first one without it.")] = None,
    leads: Annotated[int | None, typer.Option(min=1, max=240, help="Months ahead; as in the backtest.")] = None,
) -> None:
    """What a forecast issued with vintage A knew, beside one from the same month with vintage B."""
    from climate.commands.vintages import forecast

    print(forecast(source, old, new, series, leads))


@vintages.command("issue")
def vintages_issue(
    source: SourceKey,
    vintage: Annotated[str, typer.Argument(help="An older vintage.", metavar="VINTAGE")],
) -> None:
    """Add what the models forecast from an older vintage to reports/ledger.csv, marked as made later."""
    from climate.commands.ledger import issue

    print(issue(source, vintage))


@vintages.command("as-of")
def vintages_as_of(month: Annotated[str, typer.Argument(help="YYYY-MM", metavar="MONTH")]) -> None:
    """The command that runs everything on what was out by a month."""
    from climate.commands.vintages import as_of_month

    print(as_of_month(month))


@app.command()
def update(
    source: Annotated[
        str | None, typer.Argument(help="A key of pull.sources; all without it.", metavar="SOURCE")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Keep every update without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and keep nothing.")] = False,
) -> None:
    """Move one or all sources to their newest release, after showing what that changes."""
    from climate.commands.update import update as run

    outcome = run([source] if source else [], ask=lambda question: yes or typer.confirm(question), dry_run=dry_run)
    raise typer.Exit(1 if outcome.failed else 0)


@app.command()
def retry() -> None:
    """Pull again every source that is unavailable or only an older copy."""
    from climate.commands.update import retry as run

    raise typer.Exit(0 if run() else 1)


@app.command()
def check() -> None:
    """Check the records in data/ against what their publishers declare; exit status 1 if one fails."""
    from climate.commands.check import run

    text, failed = run()
    print(text)
    raise typer.Exit(1 if failed else 0)


@app.command()
def compare(
    revision: Annotated[str, typer.Option(help="The git revision whose report is the reference.")] = "HEAD",
) -> None:
    """Compare the scores in reports/ with the committed ones, within tolerance."""
    from climate.stages.compare import run

    lines = run(revision)
    for line in lines:
        print(line)
    print(f"{len(lines)} scores outside tolerance" if lines else f"Agrees with {revision} within tolerance.")
    raise typer.Exit(1 if lines else 0)


def main() -> None:
    """Run the command line; a ClimateError becomes one line and exit status 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("climate").setLevel(logging.INFO)
    for noisy in ("tensorflow", "absl", "matplotlib", "h5py", "pint", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        app()
    except ClimateError as error:
        print(f"climate: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in DISK_TROUBLE:
            raise
        from climate.files import cannot_write

        print(f"climate: {cannot_write(error.filename or 'a file', error.strerror or str(error))}", file=sys.stderr)
        raise SystemExit(1) from None
