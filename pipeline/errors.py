"""The errors this package raises on purpose.

Each is also a builtin, so that a caller who does not know us can still catch
it. A message says what was found, what was expected and what to do; the
command line prints it on one line and maps it to an exit code. What it quotes may come
from anywhere: addresses lose their passwords and tokens when the error is made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import unquote

_USER = re.compile(r"(?<=://)(?:[^/\s'\"<>]*|[^/\s:@]+:(?!\d+(?:[/?#'\"\s,)]|$))\S{0,400})@")
"""A user and a password, which may hold a slash or a quote: what stands behind a colon and is no
port is no path."""
_QUERY = re.compile(r"([?&;#])([\w.~%-]+)=([^\s&;#'\"<>)\]},]*)")
_SECRET = re.compile(
    r"token|key|sig|secret|pass|pwd|auth|cred|session|jwt|code|cookie|hash|hmac|login|user|appid"
    r"|client|account|^(ak|sk|tk|k|t|p|u|sas|se|sp|sv|sr|st|spr|skoid|sktid|ske|policy)$"
    r"|^x-(amz|goog|oss|cos|ms)-",
    re.IGNORECASE,
)
_SETTING = re.compile(
    r"\b(\w{0,40}(?:passw|pwd|secret|token|api_?key|access_?key)\w{0,40})=('[^']*'|\"[^\"]*\"|[^\s'\"&;,]+)",
    re.IGNORECASE,
)
"""As in ``PG:host=h password=x`` and ``AWS_SECRET_ACCESS_KEY=x``."""
_HEADER = re.compile(r"(authorization['\"]?\s*[:=]\s*['\"]?(?:\w+\s+)?)[^\s'\"]+", re.IGNORECASE)
_WORD = re.compile(r"[^\s'\"<>]+")
_ENCODED = re.compile(r"%(?:25)*(?:3A|3D|40)", re.IGNORECASE)
"""Of an address or a setting that is percent-encoded, once or more."""
_MOST_TIMES = 5
"""So often at most it is: each decoding goes over the whole text."""
_LONG = 24
"""A value of a query that is longer may be a token, whatever its name."""


def without_secrets(text: str) -> str:
    """A text whose addresses lack user names, passwords, tokens, keys and signatures.

    ``https://me:pw@host/x?token=1&year=2020`` becomes ``https://***@host/x?token=***&year=2020``.
    """
    if not any(each in text for each in ("://", "=", "%", "uthorization")):
        return text
    plain = _USER.sub("***@", _WORD.sub(_decoded, text))
    return _HEADER.sub(r"\1***", _SETTING.sub(r"\1=***", _QUERY.sub(_hidden, plain)))


def _hidden(found: re.Match[str]) -> str:
    before, name, value = found.groups()
    is_secret = _SECRET.search(unquote(name)) is not None or len(value) > _LONG
    return f"{before}{name}=***" if is_secret and value else found.group()


def _decoded(found: re.Match[str]) -> str:
    """Percent-encoded text as it is where it holds no secret, else decoded and without it."""
    plain = found.group()
    if not _ENCODED.search(plain):
        return plain
    for _ in range(_MOST_TIMES):
        plain = unquote(plain)
    safe = without_secrets(plain)
    return safe if safe != plain else found.group()


def table_without_secrets(value: object) -> object:
    """A value of JSON whose texts, keys too, went through `without_secrets`."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {without_secrets(str(key)): table_without_secrets(v) for key, v in value.items()}
    return [table_without_secrets(each) for each in value] if isinstance(value, list) else value


class PipelineError(Exception):
    """Base of every error that is the user's to mend; exit code 1."""

    exit_code = 1

    def __init__(self, *args: object) -> None:
        super().__init__(*(without_secrets(a) if isinstance(a, str) else a for a in args))


_MOST = 20
"""Faults that one line reports."""


class ConfigError(PipelineError, ValueError):
    """Wrong usage: an unknown metro, a bad key or value; exit code 2.

    Parameters
    ----------
    subject
        What was being read, for example a metro file's path.
    faults
        Every fault found, so that one run reports them all.
    """

    exit_code = 2

    def __init__(self, subject: str, faults: list[str] | None = None) -> None:
        self.subject = subject
        self.faults = list(faults or [])
        count = len(self.faults)
        shown = [*self.faults[:_MOST], *([f"and {count - _MOST} more"] if count > _MOST else [])]
        if not count:
            message = subject
        elif count == 1:
            message = f"{subject}: {self.faults[0]}"
        else:
            listed = "; ".join(f"({n}) {fault}" for n, fault in enumerate(shown, 1))
            message = f"{subject}: {count} faults: {listed}"
        super().__init__(message)

    def __reduce__(self) -> tuple[type[ConfigError], tuple[str, list[str]]]:
        return type(self), (self.subject, self.faults)


def require_answers(
    subject: str,
    rows: Iterable[str],
    functions: Iterable[str],
    *,
    word: str,
    place: str,
    table: str,
) -> None:
    """Refuse a table whose rows and functions do not answer one another, before a run.

    Parameters
    ----------
    rows, functions
        Names of the rows, and of the functions that serve them.
    word, place, table
        What a function is called, where it is put, and where a row is.

    Raises
    ------
    ConfigError
        Names every row without a function, function without a row, and name in two rows.
    """
    count, known = Counter(rows), list(functions)
    faults = [f"{name} stands in {found} rows" for name, found in count.items() if found > 1]
    faults += [
        f"row {name} has no {word}: add it to {place}" for name in count if name not in known
    ]
    faults += [
        f"{word} {name} has no row: add one to {table}, or correct the name"
        for name in known
        if name not in count
    ]
    if faults:
        raise ConfigError(subject, faults)


class SourceError(PipelineError, OSError):
    """An input that is missing, unreadable, truncated or lacks what is needed."""


class CrsError(PipelineError, ValueError):
    """Coordinates without a CRS, in the wrong one, or in degrees where metres are needed."""


class SchemaError(PipelineError, ValueError):
    """A frame that does not match its layer's declaration."""


class StoreError(PipelineError, OSError):
    """A layer that is missing, locked or damaged."""


class DiskFullError(StoreError):
    """There is no room to write: nothing further can be made until there is."""


class StoreShutError(StoreError):
    """A store that lets us in no more, its credentials gone or expired: nothing can be made."""


class LockLostError(StoreError):
    """A lock that another run took over meanwhile: nothing more may be written under it."""


class ClusterError(PipelineError, ConnectionError):
    """The scheduler or its workers cannot be reached, or not any more: nothing can run."""


class StageError(PipelineError, RuntimeError):
    """A stage that failed: names the stage, the metro and the reason."""


class WorkerDiedError(StageError):
    """A task whose worker processes ended, each time they had it, perhaps through another's."""
