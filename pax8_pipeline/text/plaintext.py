"""Text from outside as plain text: what steers a terminal, a table or a spreadsheet is shown instead of obeyed.

Here belongs: characters, Markdown and CSV. Not here: HTML (html.escape does it), what is told. Names of the vendors
are cleaned once in staging (meta.txt, meta.clean in warehouse/sql/functions.sql, the same characters as here);
this is for texts that do not come that way: files, environment, answers of a vendor.
"""

from __future__ import annotations

import re
import unicodedata

_BLANKS = re.compile("[ \t\n\v\f\r\x85\u2028\u2029]+")
_HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Cs")
# An underscore within a word is plain in every Markdown; verdicts are full of them.
_MARKUP = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
# A quotation, or a heading, list or rule: those only with a blank behind them, so that an amount stays as it is.
_FIRST_IN_LINE = re.compile(r"^(>|(?:[#+=-]+|\d+[.)])(?=\s|$))")
_FORMULA = "=+-@"


def marked(text: str) -> str:
    """Return text with each character that steers or hides itself written out, such as <U+001B>. Line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or unicodedata.category(c) not in _HIDDEN else f"<U+{ord(c):04X}>" for c in text)


def one_line(text: str) -> str:
    """Return text as one line: `marked`, and line breaks and tabs are blanks."""
    return marked(_BLANKS.sub(" ", text).strip())


def markdown(text: str) -> str:
    """Return text so that Markdown, the HTML in it and its tables show it as it is. One line."""
    plain = _ENTITY.sub("&amp;", one_line(text)).replace("\\", "\\\\")
    plain = _MARKUP.sub(lambda found: found[0] if found[0] == "\\" else f"\\{found[0]}", plain).replace("<", "&lt;")
    return _FIRST_IN_LINE.sub(_escape_first, plain)


def _escape_first(found: re.Match[str]) -> str:
    """A list, a heading or a quotation begins with a sign, or with a number and one: the sign is escaped."""
    return f"{found[0][:-1]}\\{found[0][-1]}"


def csv_cell(text: str) -> str:
    """Return text so that a spreadsheet does not run it: a formula, also after blanks, gets a quote before it."""
    plain = marked(text)
    risky = plain.lstrip()[:1] in tuple(_FORMULA) or text[:1] in ("\t", "\r", "\n")
    return f"'{plain}" if plain.strip() and risky else plain
