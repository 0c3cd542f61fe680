"""Whether the bytes that a channel brought are what the catalogue says they are."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path

from climate.sources.catalogue import SourceFile
from climate.sources.channels import Refused

HEAD_BYTES = 16 * 1024
"""Where the texts that a file must hold are looked for."""
SHRINK_TOLERANCE = 0.02
"""Share of its bytes that a newer release may lack against the last good one. Publishers reword their headers, but
records only grow; a body cut at a random place passes once in fifty times."""
WEB_PAGE = re.compile(r"\s*(<!--.*?-->\s*)*(<\?xml|<!doctype|<html|<head|<body)", re.IGNORECASE | re.DOTALL)


def sha256_of(path: Path) -> str:
    """Hexadecimal digest of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def head_of(path: Path) -> str:
    """The first 16 KiB as text; Latin-1, so that every byte has a character."""
    return head_bytes(path).decode("latin-1")


def head_bytes(path: Path) -> bytes:
    """The first 16 KiB."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def check(path: Path, file: SourceFile, version: str, *, pinned: str | None, last_good_bytes: int | None) -> None:
    """Refuse a body that is empty, a web page, too short or long, of another version or header, or not the pinned one.

    `last_good_bytes` is the size of the copy that this one would replace, None where the two cannot be compared.
    """
    size = path.stat().st_size
    head = head_of(path)
    first = head.lstrip("\ufeff").strip().splitlines()[0][:60] if head.strip() else ""
    begins = f"begins with {first!r}"
    if size == 0:
        raise Refused(f"{file.name}: found an empty body, expected at least {file.expect.min_bytes:,} bytes")
    if WEB_PAGE.match(head.removeprefix("\xef\xbb\xbf")):
        raise Refused(f"{file.name}: found a web page, expected data; it {begins}")
    if size < file.expect.min_bytes:
        raise Refused(f"{file.name}: found {size:,} bytes, expected at least {file.expect.min_bytes:,}; it {begins}")
    if size > file.expect.max_bytes:
        raise Refused(f"{file.name}: found {size:,} bytes, expected at most {file.expect.max_bytes:,}; it {begins}")
    for text in file.expect.contains:
        wanted = text.replace("{version}", version)
        if wanted not in head:
            of = f" of version {version}" if "{version}" in text else ""
            raise Refused(f"{file.name}: found no {wanted!r} in its head, expected the header{of}; it {begins}")
    if pinned is not None:
        found = sha256_of(path)
        if found != pinned:
            raise Refused(f"{file.name}: found sha256 {found[:12]}, expected the pinned {pinned[:12]}")
    elif last_good_bytes is not None and size < last_good_bytes * (1 - SHRINK_TOLERANCE):
        raise Refused(
            f"{file.name}: found {size:,} bytes, expected about the {last_good_bytes:,} of the last good copy or more"
        )


def file_date(path: Path, file: SourceFile) -> str:
    """The publisher's own date in the file as YYYY-MM-DD, "" where it has none or it cannot be read."""
    if file.expect.date is None:
        return ""
    match = re.search(file.expect.date.pattern, head_of(path))
    if match is None:
        return ""
    try:
        return datetime.strptime(" ".join(match.group(1).split()), file.expect.date.format).date().isoformat()
    except ValueError:
        return ""
