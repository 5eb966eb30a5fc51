"""Every failure this product raises on purpose, as types that say what a caller may do next.

Here belongs: exception classes without behaviour, and the words for what the operating system refuses. Not here: HTTP, retry decisions (`transport`), texts of one
vendor. A message is written for the person who reads it at night: what happened, where, what to do. No message
ever holds a secret or a token.
"""

from __future__ import annotations

import errno
import os


class PipelineError(Exception):
    """Root of all errors raised on purpose; its text is fit to be shown to an operator as it stands."""


class ConfigError(PipelineError):
    """Settings, policy or a mapping file cannot be used; the text names file, row, column or variable."""


class WarehouseBusy(PipelineError):
    """Another process holds the DuckDB file, and did so for longer than we were told to wait."""


class VendorError(PipelineError):
    """A vendor's service did not do what was asked. `vendor` is "Pax8" or "Halo", `where` the method and path."""

    def __init__(self, message: str, *, vendor: str = "", where: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.vendor = vendor
        self.where = where
        self.status = status


class Unreachable(VendorError):
    """No answer: name not found, connection refused or cut, time-out. A read may be tried again later."""


class ServerFault(VendorError):
    """The service answered 5xx (or 408) for as long as we were willing to ask again."""


class RateLimited(VendorError):
    """429 for as long as we were willing to wait."""


class AuthRefused(VendorError):
    """The token endpoint refused the credentials, or a fresh token was refused: asking again will not help."""


class Forbidden(VendorError):
    """The credentials are good but this resource is not allowed (401 on one module, or 403)."""


class NotFound(VendorError):
    """404: unknown id, or a resource this version of the service does not have."""


class BadRequest(VendorError):
    """Any other 4xx: the service understood and refuses."""


class BadAnswer(VendorError):
    """An answer that is not what the reference says: not JSON, or a list without its named key."""


class IncompleteRead(VendorError):
    """A list could not be read whole; nothing of it may be used. `got` distinct ids of `expected`."""

    def __init__(self, message: str, *, vendor: str, where: str, got: int, expected: int | None) -> None:
        super().__init__(message, vendor=vendor, where=where)
        self.got = got
        self.expected = expected


class WriteRefused(VendorError):
    """A write was refused before it took effect (4xx). Certain: nothing changed."""


class WriteContested(WriteRefused):
    """A write was refused because somebody else saved the same record at that moment. Parts of it may be saved: read
    again, never send again."""


class WriteUnknown(VendorError):
    """A write may or may not have taken effect (time-out, cut connection, 5xx). Settle it by reading, never by
    sending again."""


def because(error: OSError, path: object = None) -> str:
    """Say in one sentence why a file or folder cannot be used, and what to do. `path`: where the error names none."""
    place = path or error.filename or error.filename2 or "a file"
    if error.errno == errno.ENOENT and not os.path.isdir(parent := os.path.dirname(os.path.abspath(str(place)))):
        return f"folder {parent} does not exist; make it, or name another"
    reason, remedy = _OS_REASONS.get(error.errno or 0, (error.strerror or str(error) or type(error).__name__, ""))
    return f"{place} {reason}; {remedy}" if remedy else f"{place} cannot be used: {reason[:1].lower()}{reason[1:]}"


_OS_REASONS = {
    errno.ENOENT: ("does not exist", "check the name, or make it"),
    errno.EACCES: ("may not be used by this user", "change its owner or rights (chown, chmod)"),
    errno.EPERM: ("may not be used by this user", "change its owner or rights (chown, chmod)"),
    errno.EISDIR: ("is a folder where a file is wanted", "move it away, or name another file"),
    errno.ENOTDIR: ("lies under a file where a folder is wanted", "move that file away, or name another folder"),
    errno.EEXIST: ("is a file where a folder is wanted", "move it away, or name another folder"),
    errno.ENOSPC: ("cannot be written: the disk is full", "make room and run again"),
    errno.EDQUOT: ("cannot be written: the disk quota is used up", "make room and run again"),
    errno.EROFS: ("lies on a disk that is read-only", "name another folder, or mount it writable"),
    errno.ENAMETOOLONG: ("has too long a name", "choose a shorter one"),
    errno.ELOOP: ("is a link that leads back to itself", "remove the link"),
    errno.EMFILE: ("cannot be opened: too many files are open", "raise the limit (ulimit -n) and run again"),
    errno.ENFILE: ("cannot be opened: too many files are open", "close other programs and run again"),
    errno.EADDRINUSE: ("is used by another program", "choose another port with --port"),
    errno.EIO: ("cannot be read or written: the disk reports an error", "check the disk"),
    errno.ETXTBSY: ("is in use", "close the program that uses it and run again"),
}


def because_duckdb(error: BaseException, path: object = "") -> str:
    """Say in one sentence why a DuckDB file cannot be used, and what to do."""
    text = " ".join(str(error).split())
    place = str(path or "the warehouse")
    for sign, reason in _DUCKDB_REASONS:
        if sign in text:
            return f"{place} {reason}"
    return f"{place} cannot be used: {text}"


_BACK = "put back a copy of it, or move it away: the next run makes it anew from both vendors and data/backups"
_DUCKDB_REASONS = (
    ("not a valid DuckDB database file", f"is not a DuckDB file; {_BACK}"),
    ("version number", f"was written by another version of DuckDB; install that version, {_BACK}"),
    ("newer version", f"was written by a newer version of DuckDB; install that version, {_BACK}"),
    ("No space left", "cannot be written: the disk is full; make room and run again"),
    ("Permission denied", "may not be used by this user; change its owner or rights (chown, chmod)"),
    ("Read-only file system", "lies on a disk that is read-only; name another folder, or mount it writable"),
    ("Is a directory", f"is a folder where a file is wanted; {_BACK}"),
    ("read-only mode", "may only be read; change its owner or rights (chown, chmod), or name another data folder"),
    ("Catalog Error", "does not hold what this version keeps; run `pax8-pipeline run` once, which adds it"),
    ("Could not read", f"is damaged or cut short; {_BACK}"),
    ("Corrupt", f"is damaged; {_BACK}"),
    ("corrupt", f"is damaged; {_BACK}"),
    ("checksum", f"is damaged; {_BACK}"),
    ("Serialization Error", f"is damaged; {_BACK}"),
    ("Out of Memory", "needs more memory than there is; close other programs and run again"),
)
