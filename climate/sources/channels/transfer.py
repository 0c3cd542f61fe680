"""Moving bytes over HTTP or from a folder, within limits of size and time.

pooch (its HTTPDownloader, on requests) does the transfer. It knows no limits of its own, so it writes into an object
that counts, and runs in a thread that is abandoned when the time is over: that also ends an answer whose headers drip.
A body shorter than its Content-Length is an error of requests; one that is longer is cut there, which the checks of
climate/sources/channels/verify.py notice.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Thread
from typing import IO, Any, BinaryIO, TypeVar

import pooch
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


class _Bounded:
    """A file that takes so many bytes and no more."""

    def __init__(self, file: BinaryIO, max_bytes: int, what: str) -> None:
        self._file = file
        self._left = max_bytes
        self._max = max_bytes
        self._what = what
        self.abandoned = False

    def write(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            raise Refused(f"{self._what}: found more than {self._max:,} bytes, expected at most that many")
        if self.abandoned:
            raise Refused(f"{self._what}: abandoned")
        self._file.write(chunk)

    def flush(self) -> None:
        """pooch calls this after every chunk."""


class _Inspect:
    """Looks at the head of every answer, redirects included, before its body is read."""

    def __init__(self, url: str, max_bytes: int, what: str) -> None:
        self._encrypted = url.startswith("https:")
        self._max = max_bytes
        self._what = what

    def __call__(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        if self._encrypted and not str(response.url).startswith("https:"):
            raise Refused(f"{self._what}: found a redirect to an unencrypted address, expected https to the end")
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max:
            raise Refused(f"{self._what}: found {int(declared):,} bytes declared, expected at most {self._max:,}")


class _Progress:
    """The object that pooch drives as a progress bar, drawn by rich."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar: Any = None

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == "total" and value >= PROGRESS_FROM_BYTES:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

            self._bar = Progress(
                "{task.description}",
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task(self._what, total=value)
            self._bar.start()

    def update(self, count: int) -> None:
        if self._bar is not None:
            self._bar.update(self._task, advance=count)

    def reset(self) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=0)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


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
    for attempt in range(1, limits.attempts + 1):
        with path.open("wb") as file:
            target = _Bounded(file, max_bytes, what)
            progress = _Progress(what) if sys.stderr.isatty() else False
            downloader = pooch.HTTPDownloader(
                progressbar=progress,
                chunk_size=CHUNK_BYTES,
                timeout=(limits.connect_seconds, limits.read_seconds),
                headers={"User-Agent": user_agent(), "Accept-Encoding": "identity"},
                verify=ca_bundle(),
                auth=auth,
                proxies=proxies,
                hooks={"response": _Inspect(url, max_bytes, what)},
            )
            try:
                left = max(end - time.monotonic(), 0.01)
                within(left, partial(downloader, url, target, None), what, of=limits.total_seconds)
                return
            except requests.RequestException as error:
                if attempt == limits.attempts or not _worth_repeating(error):
                    raise Refused(f"{what}: found {in_words(error)}, expected the file") from None
            except (ValueError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
                raise Refused(f"{what}: found an unusable answer ({type(error).__name__}), expected the file") from None
            finally:
                target.abandoned = True
                if isinstance(progress, _Progress):
                    progress.close()
        time.sleep(limits.pause_seconds)


def copy_bounded(source: IO[bytes], path: Path, *, max_bytes: int, what: str) -> None:
    """Write what `source` still holds to `path`; Refused when that is more than `max_bytes`."""
    with path.open("wb") as file:
        target = _Bounded(file, max_bytes, what)
        while chunk := source.read(CHUNK_BYTES):
            target.write(chunk)
