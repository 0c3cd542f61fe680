"""Pull: every channel, every bad answer, and what is left behind afterwards."""

from __future__ import annotations

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


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


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


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Source], None]:
    return lambda source: monkeypatch.setattr("climate.sources.pull.find_source", lambda _key: source)


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., Provenance]:
    """pull() into downloads/co2 with data/co2 as the last good copy."""

    def run(vintage: str = "latest", mirror: str | None = None, limits: Limits = QUICK) -> Provenance:
        target, good = tmp_path / "downloads" / "co2", tmp_path / "data" / "co2"
        return pull("co2", vintage, target, mirror=mirror, last_good=good, limits=limits)

    return run


@pytest.fixture
def good_copy(tmp_path: Path, server: Server, use: Callable[[Source], None]) -> Path:
    """A last good copy in data/co2, pulled from the publisher."""
    use(entry(server.url))
    server.answers["/X2019/co2.csv"] = BODY
    pull("co2", "latest", tmp_path / "data" / "co2", mirror=None, last_good=None, limits=QUICK)
    return tmp_path / "data" / "co2"


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


def test_publisher_serves_latest_with_a_user_agent_and_full_provenance(
    server: Server, use: Any, fetch: Any, tmp_path: Path
) -> None:
    use(entry(server.url))
    server.answers["/X2019/co2.csv"] = BODY
    provenance = fetch()
    assert (provenance.channel, provenance.status, provenance.vintage) == ("publisher", "ok", "latest")
    record = provenance.files["co2.csv"]
    assert (record.sha256, record.bytes, record.file_date) == (sha(BODY), len(BODY), "2026-07-05")
    assert record.url == f"{server.url}/X2019/co2.csv"
    assert server.requests[0][1]["User-Agent"] == user_agent()
    assert user_agent().startswith("climate/")
    assert (tmp_path / "downloads" / "co2" / "co2.csv").read_bytes() == BODY
    assert read_provenance(tmp_path / "downloads" / "co2") == provenance
    assert sorted(path.name for path in tmp_path.iterdir()) == ["downloads"]


def test_two_pulls_of_the_same_bytes_write_the_same_provenance(
    server: Server, use: Any, fetch: Any, tmp_path: Path
) -> None:
    use(entry(server.url))
    server.answers["/X2019/co2.csv"] = BODY
    fetch()
    first = (tmp_path / "downloads" / "co2" / "provenance.json").read_bytes()
    fetch()
    assert (tmp_path / "downloads" / "co2" / "provenance.json").read_bytes() == first
    assert str(tmp_path).encode() not in first


@pytest.mark.parametrize("as_url", [False, True])
def test_mirror_as_folder_and_as_url(as_url: bool, server: Server, use: Any, fetch: Any, tmp_path: Path) -> None:
    use(entry(server.url))
    put(tmp_path / "mirror", "vintages/2026-07/gml/co2.csv", BODY)
    server.answers["/m/vintages/2026-07/gml/co2.csv"] = BODY
    provenance = fetch("2026-07", mirror=f"{server.url}/m/" if as_url else str(tmp_path / "mirror"))
    assert (provenance.channel, provenance.reasons) == ("mirror", ())
    assert provenance.files["co2.csv"].via == "mirror: vintages/2026-07/gml/co2.csv"
    text = (tmp_path / "downloads" / "co2" / "provenance.json").read_text()
    assert str(tmp_path) not in text
    assert "127.0.0.1:" not in text.replace(server.url + "/X2019", "")


def test_mirror_finds_a_file_in_a_zip_beside_its_place(use: Any, fetch: Any, tmp_path: Path) -> None:
    use(entry())
    put(tmp_path / "mirror", "gml/archive.zip", archive_of({"set/co2.csv": BODY, "set/other.csv": b"x"}, "zip"))
    assert fetch(mirror=str(tmp_path / "mirror")).status == "ok"
    assert (tmp_path / "downloads" / "co2" / "co2.csv").read_bytes() == BODY


def test_a_pinned_copy_needs_no_channel(server: Server, use: Any, fetch: Any, tmp_path: Path) -> None:
    use(entry(server.url))
    put(tmp_path / "mirror", "vintages/2026-07/gml/co2.csv", BODY)
    first = fetch("2026-07", mirror=str(tmp_path / "mirror"))
    (tmp_path / "downloads").rename(tmp_path / "data")
    assert fetch("2026-07") == first
    assert server.requests == []


def test_an_older_vintage_may_be_smaller_than_the_copy_it_replaces(
    good_copy: Path, use: Any, fetch: Any, tmp_path: Path
) -> None:
    short = BODY[: len(BODY) // 2]
    old = {"mirror": "old", "sha256": {"co2.csv": sha(short)}}
    use(entry(vintages={"latest": {"mirror": ""}, "2020": old}))
    put(tmp_path / "mirror", "old/gml/co2.csv", short)
    assert fetch("2020", mirror=str(tmp_path / "mirror")).status == "ok"
    assert good_copy.is_dir()


@pytest.mark.parametrize(("terminal", "size"), [(True, 3_000_000), (False, 3_000_000), (True, 10_000)])
def test_long_downloads_show_progress_on_a_terminal_only(
    terminal: bool, size: int, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    server.answers["/big"] = b"9" * size
    download(f"{server.url}/big", tmp_path / "big", max_bytes=size, limits=QUICK, what="big.nc")
    assert (tmp_path / "big").stat().st_size == size
    assert ("big.nc" in screen.getvalue()) == (terminal and size > 2 * 2**20)


# --- the previous vintage -----------------------------------------------------------------------------------------

OLDER = BODY[: len(BODY) * 2 // 3]


@pytest.fixture
def with_previous(tmp_path: Path, server: Server, use: Any) -> Callable[..., tuple[Provenance, Provenance]]:
    """pull() of today's release with 2020-01, which a mirror holds, beside it: both provenances."""
    vintages = {"latest": {"mirror": ""}, "2020-01": {"mirror": "old", "sha256": {"co2.csv": sha(OLDER)}}}
    use(entry(server.url, vintages=vintages))
    server.answers["/X2019/co2.csv"] = BODY
    server.answers["/m/old/gml/co2.csv"] = OLDER
    target = tmp_path / "downloads" / "co2"

    def run(previous: str = "2020-01") -> tuple[Provenance, Provenance]:
        mirror, good = f"{server.url}/m", tmp_path / "data" / "co2"
        main = pull("co2", "latest", target, previous=previous, mirror=mirror, last_good=good, limits=QUICK)
        assert read_provenance(target) == main
        assert verify(target) == verify(target / PREVIOUS) == []
        return main, read_provenance(target / PREVIOUS)

    return run


def test_the_previous_vintage_lies_in_a_folder_of_its_own(with_previous: Any, server: Server, tmp_path: Path) -> None:
    main, older = with_previous()
    assert (main.channel, main.vintage, main.status) == ("publisher", "latest", "ok")
    assert (older.channel, older.vintage, older.status) == ("mirror", "2020-01", "ok")
    assert (tmp_path / "downloads" / "co2" / "co2.csv").read_bytes() == BODY
    assert (tmp_path / "downloads" / "co2" / PREVIOUS / "co2.csv").read_bytes() == OLDER
    server.answers["/m/old/gml/co2.csv"] = HTML  # the pinned bytes that are here need no channel
    assert with_previous()[1] == older


def test_a_previous_vintage_that_is_unavailable_is_recorded_and_tried_again(
    with_previous: Any, server: Server, tmp_path: Path
) -> None:
    server.answers["/m/old/gml/co2.csv"] = HTML
    main, older = with_previous()
    assert (main.status, older.status, older.files) == ("ok", "missing", {})
    assert older.reasons[0].startswith("mirror: co2.csv: found a web page")
    server.answers["/m/old/gml/co2.csv"] = OLDER
    assert with_previous()[1].status == "ok"
    (tmp_path / "downloads" / "co2" / PREVIOUS / "co2.csv").write_bytes(b"damaged")
    assert with_previous()[1].status == "ok"


def test_no_other_vintage_stands_in_for_the_previous_one(with_previous: Any, server: Server, tmp_path: Path) -> None:
    with_previous()
    (tmp_path / "downloads").rename(tmp_path / "data")
    server.answers.clear()
    main, older = with_previous("latest")
    assert (main.status, older.status) == ("last-good", "last-good")  # the copy of `latest` is one of that vintage
    main, older = with_previous("2020-01")
    assert (main.vintage, older.vintage, older.status) == ("latest", "2020-01", "ok")
    shutil.rmtree(tmp_path / "data" / "co2" / PREVIOUS)
    shutil.rmtree(tmp_path / "downloads")
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
    case: str, good_copy: Path, server: Server, fetch: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    answer, words = BAD[case]
    server.answers["/X2019/co2.csv"] = answer
    caplog.set_level(logging.WARNING, "climate")
    provenance = fetch()
    assert provenance.status == "last-good"
    assert (tmp_path / "downloads" / "co2" / "co2.csv").read_bytes() == BODY
    assert verify(tmp_path / "downloads" / "co2") == []
    lines = [record.getMessage() for record in caplog.records if " refused: " in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith("co2: publisher refused: co2.csv: found ")
    assert words in lines[0]
    assert "expected" in lines[0]
    assert lines[0].endswith("; keeping vintage latest")
    assert "\n" not in lines[0]
    assert any(words in reason for reason in provenance.reasons)
    assert sha((good_copy / "co2.csv").read_bytes()) == sha(BODY)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "downloads"]


@pytest.mark.parametrize("head_too", [False, True])
def test_an_answer_that_drips_for_ever_ends_at_the_deadline(
    head_too: bool, good_copy: Path, server: Server, fetch: Any
) -> None:
    server.answers["/X2019/co2.csv"] = drip(server, head_too)
    limits = Limits(connect_seconds=5, read_seconds=5, total_seconds=0.3, attempts=1)
    provenance = fetch(limits=limits)
    assert provenance.status == "last-good"
    assert any("found no end after 0.3 s" in reason for reason in provenance.reasons)
    assert (good_copy / "co2.csv").read_bytes() == BODY


def test_a_server_that_is_down_and_one_that_is_silent(good_copy: Path, server: Server, use: Any, fetch: Any) -> None:

    def stay_silent(_handler: http.server.BaseHTTPRequestHandler) -> None:
        server.over.wait(20)

    server.answers["/X2019/co2.csv"] = stay_silent
    silent = fetch(limits=Limits(connect_seconds=5, read_seconds=0.2, total_seconds=20, attempts=1))
    assert any("found no answer in time" in reason for reason in silent.reasons)
    use(entry("http://127.0.0.1:1"))
    down = fetch()
    assert any("found no connection" in reason for reason in down.reasons)
    assert down.status == silent.status == "last-good"
    assert good_copy.is_dir()


def test_a_passing_fault_is_met_with_a_second_attempt(server: Server, use: Any, fetch: Any) -> None:
    use(entry(server.url))

    def fails_once(handler: http.server.BaseHTTPRequestHandler) -> None:
        send(handler, *((HTML, 503) if len(server.requests) == 1 else (BODY,)))

    server.answers["/X2019/co2.csv"] = fails_once
    assert fetch(limits=Limits(attempts=2, pause_seconds=0)).status == "ok"
    assert len(server.requests) == 2


def test_the_next_channel_takes_over(server: Server, use: Any, fetch: Any, caplog: pytest.LogCaptureFixture) -> None:
    use(entry(server.url))
    server.answers["/X2019/co2.csv"] = BODY
    server.answers["/m/gml/co2.csv"] = HTML
    provenance = fetch(mirror=f"{server.url}/m")
    assert (provenance.channel, provenance.status) == ("publisher", "ok")
    assert len(provenance.reasons) == 1
    assert provenance.reasons[0].startswith("mirror: co2.csv: found a web page")
    assert any(record.getMessage().endswith("; trying publisher") for record in caplog.records)


def test_without_any_channel_provenance_alone_is_left(
    server: Server, use: Any, fetch: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    use(entry(server.url))
    provenance = fetch("2026-07", mirror=str(tmp_path / "nowhere"))
    assert (provenance.status, provenance.files, provenance.channel) == ("missing", {}, "")
    assert [path.name for path in (tmp_path / "downloads" / "co2").iterdir()] == ["provenance.json"]
    assert verify(tmp_path / "downloads" / "co2") == []
    assert any("mirror: the mirror's folder is not there" in reason for reason in provenance.reasons)
    assert any("publisher: serves vintage 'latest' only" in reason for reason in provenance.reasons)
    assert str(tmp_path) not in (tmp_path / "downloads" / "co2" / "provenance.json").read_text()
    last = caplog.records[-1].getMessage()
    assert "missing" in last
    assert "dvc repro -f pull@co2" in last


def test_digest_mismatch(use: Any, fetch: Any, tmp_path: Path) -> None:
    use(entry())
    put(tmp_path / "mirror", "vintages/2026-07/gml/co2.csv", NEWER)
    provenance = fetch("2026-07", mirror=str(tmp_path / "mirror"))
    assert provenance.status == "missing"
    assert f"found sha256 {sha(NEWER)[:12]}, expected the pinned {sha(BODY)[:12]}" in provenance.reasons[0]


def test_last_good_of_another_vintage_is_named(good_copy: Path, server: Server, fetch: Any) -> None:
    server.answers.clear()
    provenance = fetch("2026-07")
    assert (provenance.status, provenance.vintage) == ("last-good", "latest")
    assert provenance.reasons[0] == "asked for vintage 2026-07"
    assert good_copy.is_dir()


def test_a_damaged_last_good_copy_is_not_used(
    good_copy: Path, server: Server, fetch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers.clear()
    (good_copy / "co2.csv").write_bytes(BODY[:-1])
    assert fetch().status == "missing"
    assert "last good copy not used" in caplog.text


@pytest.mark.parametrize("mirror", ["folder out", "link out", "pipe", "folder in place of the file"])
def test_mirror_serves_plain_files_inside_it_only(mirror: str, use: Any, fetch: Any, tmp_path: Path) -> None:
    root = tmp_path / "mirror"
    put(tmp_path, "outside/co2.csv", BODY)
    (root / "gml").mkdir(parents=True)
    source = entry()
    if mirror == "folder out":
        source = entry(vintages={"latest": {"mirror": "../outside/.."}})
        put(tmp_path, "gml/co2.csv", BODY)
    elif mirror == "link out":
        (root / "gml" / "co2.csv").symlink_to(tmp_path / "outside" / "co2.csv")
    elif mirror == "pipe":
        os.mkfifo(root / "gml" / "co2.csv")
    else:
        (root / "gml" / "co2.csv").mkdir()
    use(source)
    provenance = fetch(mirror=str(root))
    assert provenance.status == "missing"
    assert "leads out of" in provenance.reasons[0] or "no plain file" in provenance.reasons[0]


def test_unknown_vintage_is_an_error_that_names_the_known_ones(use: Any, fetch: Any, tmp_path: Path) -> None:
    use(entry())
    with pytest.raises(ClimateError, match=r"pull\.sources\.co2\.vintage: found '2026-06'.*2026-07"):
        fetch("2026-06")
    assert list(tmp_path.iterdir()) == []


# --- the disk -----------------------------------------------------------------------------------------------------


def test_a_full_disk_is_one_error_and_changes_nothing(
    good_copy: Path, server: Server, fetch: Any, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource")
    server.answers["/X2019/co2.csv"] = BODY
    fetch()
    server.answers["/X2019/co2.csv"] = NEWER
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(ClimateError, match=r"^co2: cannot write .* nothing was replaced") as caught:
            fetch()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert verify(tmp_path / "downloads" / "co2") == []
    assert verify(good_copy) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "downloads"]
    fetch()
    assert (tmp_path / "downloads" / "co2" / "co2.csv").read_bytes() == NEWER


def test_a_folder_that_cannot_be_written(server: Server, use: Any, fetch: Any, tmp_path: Path) -> None:
    use(entry(server.url))
    (tmp_path / "downloads").write_text("a file where a folder is due")
    with pytest.raises(ClimateError, match=r"cannot write .*downloads"):
        fetch()


CHILD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import climate.sources.pull
from climate.sources.catalogue import Source
source = Source.model_validate_json(sys.stdin.read())
climate.sources.pull.find_source = lambda key: source
climate.sources.pull.pull("co2", "latest", Path("downloads/co2"), mirror=None, last_good=Path("data/co2"))
"""


def test_killed_in_the_middle_of_a_download(good_copy: Path, server: Server, fetch: Any, tmp_path: Path) -> None:
    begun = threading.Event()

    def hang(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(NEWER)))
        handler.end_headers()
        handler.wfile.write(NEWER[:1000])
        handler.wfile.flush()
        begun.set()
        server.over.wait(60)

    fetch()
    before = sorted((path.name, path.read_bytes()) for path in (tmp_path / "downloads" / "co2").iterdir())
    server.answers["/X2019/co2.csv"] = hang
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, cwd=tmp_path)
    assert child.stdin is not None
    child.stdin.write(entry(server.url).model_dump_json().encode())
    child.stdin.close()
    assert begun.wait(60)
    child.send_signal(signal.SIGKILL)
    child.wait()
    after = sorted((path.name, path.read_bytes()) for path in (tmp_path / "downloads" / "co2").iterdir())
    assert after == before
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == ["co2"]
    assert verify(good_copy) == []
    left = list((tmp_path / "downloads.partial").iterdir())
    assert len(left) == 1
    os.utime(left[0], (0, 0))
    server.answers["/X2019/co2.csv"] = NEWER
    assert fetch().status == "ok"
    assert (tmp_path / "downloads" / "co2" / "co2.csv").read_bytes() == NEWER
    assert not (tmp_path / "downloads.partial").exists()


def test_two_pulls_at_once_leave_a_whole_copy(server: Server, use: Any, fetch: Any, tmp_path: Path) -> None:
    use(entry(server.url))
    server.answers["/X2019/co2.csv"] = BODY
    with ThreadPoolExecutor(3) as pool:
        statuses = [future.result().status for future in [pool.submit(fetch) for _ in range(30)]]
    assert statuses == ["ok"] * 30
    assert verify(tmp_path / "downloads" / "co2") == []
    assert read_provenance(tmp_path / "downloads" / "co2").status == "ok"


def test_verify_names_what_is_wrong(good_copy: Path) -> None:
    assert verify(good_copy) == []
    (good_copy / "notes.txt").write_text("mine")
    (good_copy / "co2.csv").write_bytes(BODY.replace(b"315", b"316"))
    problems = verify(good_copy)
    assert len(problems) == 2
    assert f"expected {sha(BODY)[:12]}" in problems[0]
    assert "notes.txt" in problems[1]
    (good_copy / "co2.csv").unlink()
    assert "not found" in verify(good_copy)[0]
    (good_copy / "provenance.json").write_text('{"key": 1}')
    assert len(verify(good_copy)) == 1
    (good_copy / "provenance.json").unlink()
    assert "provenance.json not found" in verify(good_copy)[0]


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
def index(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A package index with one package, set the way users set theirs."""
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple/")
    registry.pip_settings.cache_clear()
    offer(server, PACKED)
    return server


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


def test_registry_unpacks_the_member_and_nothing_else(index: Server, use: Any, fetch: Any, tmp_path: Path) -> None:
    use(registry_entry())
    provenance = fetch("2026-07")
    assert (provenance.channel, provenance.status, provenance.reasons) == ("registry", "ok", ())
    assert provenance.files["co2.csv"].via == "carrier 1.0: carrier-1.0/data/co2.csv"
    names = sorted(path.name for path in (tmp_path / "downloads" / "co2").iterdir())
    assert names == ["co2.csv", "provenance.json"]
    assert "127.0.0.1:" + str(index.port) not in (tmp_path / "downloads" / "co2" / "provenance.json").read_text()


def test_an_archive_is_downloaded_once_and_a_damaged_one_again(
    index: Server, use: Any, fetch: Any, tmp_path: Path
) -> None:
    use(registry_entry())
    for _ in range(2):
        fetch("2026-07")
        (tmp_path / "downloads" / "co2" / "provenance.json").unlink()
    assert [path for path, _ in index.requests] == ["/simple/carrier/", "/files/carrier-1.0.tar.gz"]
    kept = next((tmp_path / "cache").rglob("carrier-1.0.tar.gz"))
    kept.write_bytes(b"rotten")
    assert fetch("2026-07").status == "ok"
    assert kept.read_bytes() == PACKED


def test_a_cache_that_cannot_be_written_is_done_without(
    index: Server, use: Any, fetch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CLIMATE_CACHE", str(tmp_path / "file" / "cache"))
    use(registry_entry())
    assert fetch("2026-07").status == "ok"
    assert len(index.requests) == 2
    names = sorted(path.name for path in (tmp_path / "downloads" / "co2").iterdir())
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
    case: str, index: Server, use: Any, fetch: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prepare, source, words = REGISTRY_FAULTS[case]
    prepare(index)
    use(source)
    provenance = fetch("2026-07")
    assert provenance.status == "missing"
    assert words in provenance.reasons[0]
    assert "127.0.0.1" not in caplog.text
    assert list((tmp_path / "cache").rglob("*.partial")) == []


def test_registry_that_is_down(index: Server, use: Any, fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple/")
    use(registry_entry())
    assert "found no connection, expected the registry's page" in fetch("2026-07").reasons[0]
    assert index.requests == []


def test_registry_credentials_go_to_its_host_and_stay_out_of_the_log(
    index: Server, use: Any, fetch: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "climate")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://user:s%20cret@127.0.0.1:{index.port}/simple/")
    use(registry_entry())
    assert fetch("2026-07").status == "ok"
    assert {headers.get("Authorization") for _, headers in index.requests} == {"Basic dXNlcjpzIGNyZXQ="}
    assert "cret" not in caplog.text


def test_pip_configuration_file_names_the_index(
    index: Server, use: Any, fetch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("pip is not installed here")
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {index.url}/simple/\n")
    registry.pip_settings.cache_clear()
    use(registry_entry())
    assert fetch("2026-07").status == "ok"
    registry.pip_settings.cache_clear()


@pytest.mark.network
@pytest.mark.parametrize("key", [key for key, source in load_catalogue().items() if "registry" in source.channels])
def test_reference_sources_come_from_the_registry(key: str, tmp_path: Path) -> None:
    """Every pinned release of less than 10 MB, and the newest of the larger ones."""
    source = load_catalogue()[key]
    vintages = [name for name, vintage in source.vintages.items() if vintage.registry]
    for vintage in vintages[: 1 if key == "ncep-air" else None]:
        provenance = pull(key, vintage, tmp_path / key, mirror=None, last_good=None)
        assert (provenance.channel, provenance.status) == ("registry", "ok"), provenance.reasons
        assert verify(tmp_path / key) == []


# --- proxies and certificates -------------------------------------------------------------------------------------


def test_a_proxy_from_the_environment_is_used(
    server: Server, use: Any, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    use(entry("http://publisher.invalid"))
    server.answers["http://publisher.invalid/X2019/co2.csv"] = BODY
    assert fetch().status == "ok"
    assert server.requests[0][0] == "http://publisher.invalid/X2019/co2.csv"


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
    variable: str, secure: tuple[Server, Path], use: Any, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, certificate = secure
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    running.answers["/X2019/co2.csv"] = BODY
    use(entry(running.url))
    assert "found a certificate that cannot be verified" in " ".join(fetch().reasons)
    monkeypatch.setenv(variable, str(certificate))
    assert fetch().status == "ok"


def test_a_redirect_to_an_unencrypted_address_is_refused(
    secure: tuple[Server, Path], server: Server, use: Any, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, certificate = secure
    monkeypatch.setenv("PIP_CERT", str(certificate))
    server.answers["/co2.csv"] = BODY
    running.answers["/X2019/co2.csv"] = lambda h: send(h, b"", status=302, Location=f"{server.url}/co2.csv")
    use(entry(running.url))
    assert "redirect to an unencrypted address" in " ".join(fetch().reasons)


# --- the mirror of real files -------------------------------------------------------------------------------------


def test_the_mirror_serves_every_source_that_has_a_place_on_it(tmp_path: Path, mirror: Path) -> None:
    served = set()
    for key, source in load_catalogue().items():
        for name, vintage in source.vintages.items():
            if vintage.mirror is None or vintage.registry or "mirror" not in source.channels:
                continue
            paths = [
                mirror / vintage.mirror / file.mirror.replace("{version}", vintage.version or source.version)
                for file in source.files
            ]
            if not all(path.exists() for path in paths):
                continue
            provenance = pull(key, name, tmp_path / key / name, mirror=str(mirror), last_good=None)
            assert (provenance.channel, provenance.status) == ("mirror", "ok"), (key, name, provenance.reasons)
            assert [record.bytes for record in provenance.files.values()] == [path.stat().st_size for path in paths]
            served.add((key, name))
    countries = ("brazil", "france", "germany", "india", "kenya", "united-states")
    assert {(f"berkeley-{country}", "2013-10") for country in countries} <= served
    assert {("gistemp-global", name) for name in ("latest", "2019-05", "2022-06", "2025-03")} <= served
    assert {("gistemp-nh", "latest"), ("gistemp-sh", "latest")} <= served
