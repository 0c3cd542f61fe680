"""Moving bytes over HTTP or from a folder, within limits of size and time.

A transfer runs in a thread that is abandoned when its time is over, which also ends an answer whose headers drip. A
body shorter than its Content-Length is an error of requests; one that is longer is cut there, which the checks of
climate/sources/channels/verify.py notice.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Thread
from typing import IO, BinaryIO, TypeVar

import requests
import urllib3

from climate.sources.channels import Limits, Refused

CHUNK_BYTES = 64 * 1024
PROGRESS_FROM_BYTES = 2 * 2**20
"""Smaller transfers are over before a progress bar says anything."""
CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Where users name their own certificate authorities, in order of precedence."""

T = TypeVar("T")


def user_agent() -> str:
    """How requests introduce themselves; some publishers refuse clients that do not."""
    try:
        return f"climate/{version('climate')} (climate records for research)"
    except PackageNotFoundError:
        return "climate (climate records for research)"


def ca_bundle() -> str | bool:
    """The file of certificate authorities that the environment names, or True for the built-in ones."""
    return next((os.environ[name] for name in CA_VARIABLES if os.environ.get(name)), True)


def within(seconds: float, work: Callable[[], T], what: str, *, of: float) -> T:
    """The result of `work`, or Refused when it is not there in time; the abandoned thread ends with the process.

    `of` is the whole allowance that `seconds` is what is left of.
    """
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:
            outcome.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return outcome.result(timeout=seconds)
    except TimeoutError:
        if outcome.done():
            raise
        raise Refused(f"{what}: found no end after {of:g} s, expected the whole answer by then") from None


def in_words(error: requests.RequestException) -> str:
    """The error without host names."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.exceptions.SSLError):
        return "a certificate that cannot be verified"
    if isinstance(error, requests.exceptions.ProxyError):
        return "a proxy that cannot be reached"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "a transfer that ended before its declared length"
    if isinstance(error, requests.Timeout) or (
        error.args and isinstance(error.args[0], urllib3.exceptions.ReadTimeoutError)
    ):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return "redirects without end"
    return f"an unusable answer ({type(error).__name__})"


def _worth_repeating(error: requests.RequestException) -> bool:
    if isinstance(error, requests.HTTPError):
        return error.response is not None and error.response.status_code >= 500
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return False
    return isinstance(error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError)


def _declared_bytes(response: requests.Response, url: str, max_bytes: int, what: str) -> int:
    """The declared length of an answer, 0 without one; Refused by its status, its addresses or that length."""
    response.raise_for_status()
    hops = [str(hop.url) for hop in (*response.history, response)]
    if url.startswith("https:") and not all(hop.startswith("https:") for hop in hops):
        raise Refused(f"{what}: found a redirect to an unencrypted address, expected https to the end")
    declared = int(response.headers.get("content-length", 0))
    if declared > max_bytes:
        raise Refused(f"{what}: found {declared:,} bytes declared, expected at most {max_bytes:,}")
    return declared


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar of `total` bytes on a terminal, for transfers that take a while; yields what advances it."""
    if total < PROGRESS_FROM_BYTES or not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.update(task, advance=count)


def download(
    url: str,
    path: Path,
    *,
    max_bytes: int,
    limits: Limits,
    what: str,
    auth: tuple[str, str] | None = None,
    proxies: dict[str, str] | None = None,
) -> None:
    """Write the body of `url` to `path`.

    Certificates are verified; proxies and certificate authorities come from the environment. `what` names the file in
    messages. Raises Refused, and OSError for trouble with the local disk; `path` may then hold a part of the body.
    """
    end = time.monotonic() + limits.total_seconds

    def transfer(file: BinaryIO) -> None:
        with (
            requests.get(
                url,
                stream=True,
                timeout=(limits.connect_seconds, limits.read_seconds),
                headers={"User-Agent": user_agent(), "Accept-Encoding": "identity"},
                verify=ca_bundle(),
                auth=auth,
                proxies=proxies,
            ) as response,
            _progress(what, _declared_bytes(response, url, max_bytes, what)) as advance,
        ):
            for chunk in _bounded(response.iter_content(CHUNK_BYTES), max_bytes, what):
                file.write(chunk)
                advance(len(chunk))

    for attempt in range(1, limits.attempts + 1):
        try:
            with path.open("wb") as file:  # closed under an abandoned transfer, which then cannot write any more
                left = max(end - time.monotonic(), 0.01)
                within(left, partial(transfer, file), what, of=limits.total_seconds)
            return
        except requests.RequestException as error:
            if attempt == limits.attempts or not _worth_repeating(error):
                raise Refused(f"{what}: found {in_words(error)}, expected the file") from None
        except (ValueError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            raise Refused(f"{what}: found an unusable answer ({type(error).__name__}), expected the file") from None
        time.sleep(limits.pause_seconds)


def copy_bounded(source: IO[bytes], path: Path, *, max_bytes: int, what: str) -> None:
    """Write what `source` still holds to `path`; Refused when that is more than `max_bytes`."""
    with path.open("wb") as file:
        for chunk in _bounded(iter(lambda: source.read(CHUNK_BYTES), b""), max_bytes, what):
            file.write(chunk)


def _bounded(chunks: Iterable[bytes], max_bytes: int, what: str) -> Iterator[bytes]:
    """`chunks` until they hold more than `max_bytes`, which is Refused."""
    left = max_bytes
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise Refused(f"{what}: found more than {max_bytes:,} bytes, expected at most that many")
        yield chunk
