"""`climate sources`: the catalogue and the files of one's own in words, and one more of either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from climate.commands.own_files import Ask
from climate.commands.own_files import add as add_file
from climate.errors import ClimateError, counted
from climate.files import write_text
from climate.params.edit import with_source
from climate.params.params import PARAMS_FILE, load_params, parse_params, read_params_text
from climate.params.sections import PullParams
from climate.sources.catalogue import Source, Vintage, find_source, load_catalogue
from climate.sources.channels import Request, mirror
from climate.sources.channels.publisher import LATEST
from climate.sources.own_files import GRID_READER


def _pull() -> PullParams | None:
    return load_params().pull if PARAMS_FILE.exists() else None


def listing() -> str:
    """One line per source of the catalogue: key, what it is, vintages; then the files of the user's own."""
    pull = _pull()
    lines = {key: f"{source.title} ({', '.join(source.vintages)})" for key, source in load_catalogue().items()}
    lines |= {key: f"{entry.title} (a file of your own)" for key, entry in pull.own.items()} if pull else {}
    width = max(len(key) for key in lines)
    return "\n".join(f"{key:<{width}}  {line}" for key, line in lines.items())


def details(key: str) -> str:
    """A source's entry, a line per fact."""
    pull = _pull()
    if pull is not None and key in pull.own:
        return _own_details(pull, key)
    source = find_source(key)
    facts = {
        "Title": source.title,
        "Publisher": f"{source.publisher}, {source.homepage}",
        "Version": source.version,
        "Quantity": ", ".join(filter(None, (f"{source.quantity} ({source.kind})", source.unit, source.cadence))),
        "Baseline": "{}-{}".format(*source.baseline) if source.baseline else "",
        "Note": source.note,
        "Index": f"{source.index.url} tells today's version" if source.index else "",
        "Reader": "" if source.reader_seen else "written without a file of the publisher; compare what it reads",
        "Licence": f"{source.terms} {source.licence_url}".strip(),
        "Cite": f"{source.citation} {source.doi}".strip(),
        "Channels": ", ".join(source.channels),
    }
    lines = [f"{name + ':':<11}{fact}" for name, fact in facts.items() if fact]
    lines += [f"{'File:':<11}{file.name}  {file.url.replace('{version}', source.version)}" for file in source.files]
    lines += [f"{'Vintage:':<11}{name}  {channels(source, vintage)}" for name, vintage in source.vintages.items()]
    return "\n".join(lines)


def channels(source: Source, vintage: Vintage) -> str:
    """The channels that serve a vintage, and what the catalogue says of it."""
    serving = []
    if vintage.registry is not None:
        serving.append(f"registry ({vintage.registry.package} {vintage.registry.version})")
    if vintage.mirror is not None and "mirror" in source.channels:
        serving.append(f"mirror ({vintage.mirror or 'top folder'})")
    if "publisher" in source.channels and (vintage.publisher or vintage is source.vintages.get(LATEST)):
        serving.append("publisher")
    return "; ".join([*serving, vintage.about]).strip("; ")


def _own_details(pull: PullParams, key: str) -> str:
    source, entry = pull.source(key), pull.own[key]
    facts = {
        "Title": source.title,
        "Path": entry.path,
        "Quantity": f"{source.quantity} ({source.kind}), {source.unit}, {source.cadence}",
        "Variable": entry.variable or "",
        "Baseline": "{}-{}".format(*source.baseline) if source.baseline else "",
        "Licence": source.licence,
        "Cite": source.citation,
        "Reader": source.reader,
    }
    return "\n".join(f"{name + ':':<11}{fact}" for name, fact in facts.items() if fact)


def add(keys: Sequence[str], options: Mapping[str, str]) -> str:
    """Switch sources of the catalogue on in params.yaml, each at the best vintage; what was done, a line per source.

    Raises ClimateError for an unknown key, and for options that describe a file; nothing is written then.
    """
    if options:
        raise ClimateError(f"--{next(iter(options))} describes a file of your own; name the file by --path")
    try:
        sources = {key: find_source(key) for key in keys}
    except ClimateError as error:
        raise ClimateError(f"{error}; for a file of your own add --path FILE") from None
    text = read_params_text()
    pull = parse_params(yaml.safe_load(text), PARAMS_FILE).pull
    lines, new = [], []
    for key, source in sources.items():
        if key in pull.sources:
            lines.append(f"{key}: on already, vintage {pull.sources[key].vintage}")
            continue
        vintage = best_vintage(source, pull.chosen_mirror)
        text = with_source(text, key, vintage)
        new.append(key)
        lines.append(f"{key}: vintage {vintage}, {_ways(source, vintage, pull.chosen_mirror)}")
    parse_params(yaml.safe_load(text), PARAMS_FILE)
    if new:
        write_text(text, PARAMS_FILE)
        lines.append(f"Added {counted(len(new), 'source')} to pull.sources of {PARAMS_FILE}; `dvc repro` pulls them.")
        records = [key for key in new if sources[key].is_record]
        if records:
            lines.append(f"Next: {_region_command(sources[records[0]])}")
    return "\n".join(lines)


def best_vintage(source: Source, folder: str | None) -> str:
    """The newest vintage that a package carries, since every machine gets it; without one `latest`.

    Where `folder`, a mirror on a disk, has older vintages alone, the newest of them, since it needs no network.
    """
    packaged = [name for name in source.dated if source.vintages[name].registry is not None]
    if packaged:
        return packaged[-1]
    newest_first = [*([LATEST] if LATEST in source.vintages else []), *reversed(source.dated)]
    held = (name for name in newest_first if _is_on(folder, source, name))
    return next(held, newest_first[0])


def _is_on(folder: str | None, source: Source, name: str) -> bool:
    return mirror.holds(Request(source.at(name), name, source.vintages[name], mirror=folder))


def _ways(source: Source, name: str, mirror: str | None) -> str:
    """From where a vintage will come, and what is missing for it."""
    vintage = source.vintages[name]
    if vintage.registry is not None:
        return "from the package registry"
    from_mirror = vintage.mirror is not None and "mirror" in source.channels
    from_publisher = "publisher" in source.channels and (vintage.publisher or name == LATEST)
    if from_mirror and mirror:
        return "from the mirror" + (", otherwise from its publisher" if from_publisher else "")
    if from_publisher:
        return "from its publisher, which needs a network" + (" or a mirror" if from_mirror else "")
    return f"only from a mirror or your own copy: set CLIMATE_MIRROR, or `path` of pull.sources.{source.key}"


def _region_command(source: Source) -> str:
    named = source.options.get("series", "NAME")
    series = str(next(iter(named.values())) if isinstance(named, dict) else named)
    where = "--box=-90,90,-180,180" if source.reader == GRID_READER else f'--series "{series}"'
    return f'climate regions add {source.key} --title "{source.title}" --source {source.key} {where}'


def add_own(keys: Sequence[str], path: str, options: Mapping[str, str], ask: Ask | None) -> str:
    """Make a file of the user's own a source, see `climate.commands.own_files.add`."""
    if len(keys) != 1:
        raise ClimateError(
            f"found {len(keys)} keys ({', '.join(keys[:3])}), expected one with --path; quote a pattern of files, such "
            "as --path 'era5/*.nc'"
        )
    return add_file(keys[0], path, options, ask)
