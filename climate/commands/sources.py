"""`climate sources`: the catalogue in words."""

from __future__ import annotations

from climate.sources.catalogue import Source, Vintage, find_source, load_catalogue
from climate.sources.channels.publisher import LATEST


def listing() -> str:
    """One line per source: key, what it is, vintages."""
    catalogue = load_catalogue()
    width = max(len(key) for key in catalogue)
    return "\n".join(
        f"{key:<{width}}  {source.title} ({', '.join(source.vintages)})" for key, source in catalogue.items()
    )


def details(key: str) -> str:
    """A source's entry, a line per fact."""
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
