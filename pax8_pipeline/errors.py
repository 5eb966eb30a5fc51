"""All errors that this product raises on purpose. Each type says what the caller may do next.

Only exception classes without behaviour, and sentences for errors of the operating system and DuckDB. HTTP and
decisions about retries are in `transport`. A message says what happened, where, and what to do. No message contains a
secret or a token.
"""

from __future__ import annotations

import errno
import os


class PipelineError(Exception):
    """The base of all errors that are raised on purpose. Its text can be shown to an operator without changes."""


class ConfigError(PipelineError):
    """Settings, policy or a mapping file cannot be used; the text names file, row, column or variable."""


class WarehouseBusy(PipelineError):
    """Another process used the DuckDB file for longer than we were asked to wait."""


class WarehouseTooNew(PipelineError):
    """A newer version of this product changed the tables of the DuckDB file; this one must not use it."""


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
    """The service answered 5xx (or 408) in all tries."""


class RateLimited(VendorError):
    """The service answered 429 for longer than the allowed waiting time."""


class AuthRefused(VendorError):
    """The token service refused the credentials, or a fresh token was refused. Another try does not help."""


class Forbidden(VendorError):
    """The credentials work, but this resource is not allowed (401 on one module, or 403)."""


class NotFound(VendorError):
    """404: an unknown id, or a resource that this version of the service does not have."""


class BadRequest(VendorError):
    """Any other 4xx: the service refuses the request."""


class BadAnswer(VendorError):
    """An answer that is not as documented: not JSON, or a list without its named key."""


class IncompleteRead(VendorError):
    """A list could not be read completely; none of it may be used. `got`: distinct ids that came; `expected`: the
    number that the vendor named, None if it named none.
    """

    def __init__(self, message: str, *, vendor: str, where: str, got: int, expected: int | None) -> None:
        super().__init__(message, vendor=vendor, where=where)
        self.got = got
        self.expected = expected


class WriteRefused(VendorError):
    """A write was refused before it took effect (4xx). It is certain that nothing changed."""


class WriteContested(WriteRefused):
    """A write was refused because somebody else saved the same record at the same time. Parts of it may be saved: read
    the record again, and never send the write again.
    """


class WriteUnknown(VendorError):
    """A write may have taken effect (time-out, cut connection, 5xx). Read the record; never send the write again."""


def os_error_sentence(error: OSError, path: object = None) -> str:
    """Return one sentence: why a file or folder cannot be used, and what to do. `path`: if the error names none."""
    place = path or error.filename or error.filename2 or "a file"
    if error.errno == errno.ENOENT and not os.path.isdir(parent := os.path.dirname(os.path.abspath(str(place)))):
        return f"folder {parent} does not exist; make it, or name another"
    reason, remedy = _OS_REASONS.get(error.errno or 0, (error.strerror or str(error) or type(error).__name__, ""))
    return f"{place} {reason}; {remedy}" if remedy else f"{place} cannot be used: {reason[:1].lower()}{reason[1:]}"


_OS_REASONS = {
    errno.ENOENT: ("does not exist", "check the name, or make it"),
    errno.EACCES: ("may not be used by this user", "change its owner or rights (chown, chmod)"),
    errno.EPERM: ("may not be used by this user", "change its owner or rights (chown, chmod)"),
    errno.EISDIR: ("is a folder, but a file is needed", "move it away, or name another file"),
    errno.ENOTDIR: ("is under a file, but a folder is needed", "move that file away, or name another folder"),
    errno.EEXIST: ("is a file, but a folder is needed", "move it away, or name another folder"),
    errno.ENOSPC: ("cannot be written: the disk is full", "make room and run again"),
    errno.EDQUOT: ("cannot be written: the disk quota is used up", "make room and run again"),
    errno.EROFS: ("is on a disk that is read-only", "name another folder, or mount it writable"),
    errno.ENAMETOOLONG: ("has a name that is too long", "choose a shorter one"),
    errno.ELOOP: ("is a link that leads back to itself", "remove the link"),
    errno.EMFILE: ("cannot be opened: too many files are open", "raise the limit (ulimit -n) and run again"),
    errno.ENFILE: ("cannot be opened: too many files are open", "close other programs and run again"),
    errno.EADDRINUSE: ("is used by another program", "choose another port with --port"),
    errno.EIO: ("cannot be read or written: the disk reports an error", "check the disk"),
    errno.ETXTBSY: ("is in use", "close the program that uses it and run again"),
}


def duckdb_error_sentence(error: BaseException, path: object = "") -> str:
    """Return one sentence: why a DuckDB file cannot be used, and what to do."""
    text = " ".join(str(error).split())
    place = str(path or "the warehouse")
    for error_text, reason in _DUCKDB_REASONS:
        if error_text in text:
            return f"{place} {reason}"
    return f"{place} cannot be used: {text}"


_RESTORE = "put back a copy of it, or move it away: the next run makes it again from both vendors and data/backups"
_DUCKDB_REASONS = (
    ("not a valid DuckDB database file", f"is not a DuckDB file; {_RESTORE}"),
    ("version number", f"was written by another version of DuckDB; install that version, {_RESTORE}"),
    ("newer version", f"was written by a newer version of DuckDB; install that version, {_RESTORE}"),
    ("No space left", "cannot be written: the disk is full; make room and run again"),
    ("Permission denied", "may not be used by this user; change its owner or rights (chown, chmod)"),
    ("Read-only file system", "is on a disk that is read-only; name another folder, or mount it writable"),
    ("Is a directory", f"is a folder, but a file is needed; {_RESTORE}"),
    ("read-only mode", "may only be read; change its owner or rights (chown, chmod), or name another data folder"),
    ("Catalog Error", "lacks tables or columns of this version; run `pax8-pipeline run` once, which adds it"),
    ("Could not read", f"is damaged or cut short; {_RESTORE}"),
    ("Corrupt", f"is damaged; {_RESTORE}"),
    ("corrupt", f"is damaged; {_RESTORE}"),
    ("checksum", f"is damaged; {_RESTORE}"),
    ("Serialization Error", f"is damaged; {_RESTORE}"),
    ("Out of Memory", "needs more memory than there is; close other programs and run again"),
)
