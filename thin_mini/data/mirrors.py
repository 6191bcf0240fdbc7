"""Downloads that give up in time: each mirror is tried, what comes is judged."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import TimeoutError
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pooch
import requests
import urllib3
from tqdm import tqdm

from thin_mini.files import OfflineError

PATIENCE_SECONDS = 8.0  # without an answer: then a mirror is given up
BLOCK = 1 << 16  # bytes
SLOWEST = 10_000  # bytes a second: whoever sends less counts as broken
WORDS = {
    requests.exceptions.SSLError: "has no certificate that is trusted here",
    requests.exceptions.ProxyError: "is behind a proxy that refuses",
    requests.TooManyRedirects: "passes on in a circle",
}


def _download(url: str, output_file: str, _: object, largest: int) -> None:
    """Save what an address sends, for ``pooch``, which judges it by its hash.

    Raises:
        requests.RequestException: If it does not send a whole file.
    """
    with requests.get(url, stream=True, timeout=PATIENCE_SECONDS) as response:
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        name = url.rpartition("/")[2]
        # Most files are there within two seconds.
        bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, delay=2)
        # pooch's own is readable by its owner alone; a new one as the umask says.
        Path(output_file).unlink(missing_ok=True)
        with open(output_file, "wb") as file, bar:
            for block in _blocks(response, largest):
                file.write(block)
                bar.update(len(block))


def _blocks(response: requests.Response, largest: int) -> Iterator[bytes]:
    """What comes, as long as enough of it comes, and not too much.

    A time limit of ``requests`` starts anew with each byte, so that a server that
    sends one now and then would never be given up.
    """
    received, before, start = 0, 0, time.monotonic()
    try:
        # Undecoded: the hash is that of the file, however a server labels it.
        while block := response.raw.read1(BLOCK, decode_content=False):
            yield block
            received += len(block)
            if received > largest:
                raise requests.ConnectionError("sent too much")
            if time.monotonic() > start + PATIENCE_SECONDS:
                if received - before < SLOWEST * PATIENCE_SECONDS:
                    raise requests.Timeout("sent too little")
                before, start = received, time.monotonic()
    except urllib3.exceptions.HTTPError as error:
        slow = isinstance(error, urllib3.exceptions.TimeoutError)
        raise (requests.Timeout if slow else requests.ConnectionError)() from error


def is_right(file: Path, known_hash: str) -> bool:
    """Whether a file is there and has this hash, given as ``pooch`` takes it."""
    return file.exists() and pooch.hashes.hash_matches(str(file), known_hash)


def fetch_all(
    hashes: Mapping[str, str],
    mirrors: Sequence[str],
    folder: Path,
    largest: int,
    mend: str,
) -> None:
    """Bring files into a folder, each from the first mirror that has the right one.

    Args:
        hashes: Of each file by its name, as ``pooch`` takes them.
        mirrors: Addresses to put in front of a name, tried as they answer.
        folder: Where the files are put.
        largest: Bytes at which a file is refused.
        mend: What to do where none has them.

    Raises:
        OfflineError: That says of each mirror what was wrong with it.
    """
    missing = list(hashes)
    if not missing:
        return
    pooch.get_logger().setLevel(logging.WARNING)  # who fetches says what is fetched
    wrong = dict.fromkeys(mirrors, _in_words(requests.Timeout()))
    for mirror, silent in _as_they_answer(mirrors, missing[0]):
        if silent is not None:
            wrong[mirror] = _in_words(silent)
            continue
        faults = []
        for name in list(missing):
            try:
                save = partial(_download, largest=largest)
                pooch.retrieve(mirror + name, hashes[name], name, folder, None, save)
                missing.remove(name)
            except ValueError:
                faults.append(f"sent something else as {name}")
            except requests.RequestException as error:
                faults.append(f"{_in_words(error)} ({name})")
                if isinstance(error, requests.Timeout):
                    break  # the other files would take as long
        if not missing:
            return
        wrong[mirror] = faults[0]
    said = "; ".join(f"{mirror} {what}" for mirror, what in wrong.items())
    raise OfflineError(
        f"no network brings {missing[0]} ({said or 'no mirror'}): {mend}"
    )


def _as_they_answer(
    mirrors: Sequence[str], name: str
) -> Iterator[tuple[str, requests.RequestException | None]]:
    """Each mirror as soon as it answers, whatever it says, or with what kept it.

    In threads, because looking up a name has no time limit of its own: on a dead
    network it can hang for half a minute. Nothing waits for a thread that does.
    """

    def ask(mirror: str) -> tuple[str, requests.RequestException | None]:
        try:
            requests.get(mirror + name, stream=True, timeout=PATIENCE_SECONDS).close()
        except requests.RequestException as error:
            return mirror, error
        return mirror, None

    end = time.monotonic() + PATIENCE_SECONDS
    with ThreadPool(max(1, len(mirrors))) as pool, suppress(TimeoutError):
        answers = pool.imap_unordered(ask, mirrors)
        for _ in mirrors:
            yield answers.next(max(0.0, end - time.monotonic()))


def _in_words(error: requests.RequestException) -> str:
    """What kept an address from sending a file, without the library's own words."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"sent nothing, or next to nothing, for {PATIENCE_SECONDS:g} seconds"
    kinds = (words for kind, words in WORDS.items() if isinstance(error, kind))
    return next(kinds, "cannot be reached, or broke off")
