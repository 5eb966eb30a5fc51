"""Makes text from outside safe: characters that control a terminal, a table or a spreadsheet are shown and have no
effect.

For characters, Markdown and CSV; for HTML there is html.escape. Names from the vendors are cleaned once in staging
(meta.txt, meta.clean in warehouse/sql/functions.sql, with the same characters as here). This module is for other texts:
files, the environment, answers of a vendor.
"""

from __future__ import annotations

import re
import unicodedata

_BLANKS = re.compile("[ \t\n\v\f\r\x85\u2028\u2029]+")
_HIDDEN = ("Cc", "Cf", "Zl", "Zp", "Cs")
# An underscore inside a word is plain in every Markdown, and many verdicts have one.
_MARKUP = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
# A quotation, or a heading, list or rule. The latter only with a blank after them, so that an amount does not change.
_FIRST_IN_LINE = re.compile(r"^(>|(?:[#+=-]+|\d+[.)])(?=\s|$))")
_FORMULA = "=+-@"


def show_hidden(text: str) -> str:
    """Return the text with control and hidden characters written out, such as <U+001B>; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or unicodedata.category(c) not in _HIDDEN else f"<U+{ord(c):04X}>" for c in text)


def one_line(text: str) -> str:
    """Return the text as one line: hidden characters are written out; line breaks and tabs become blanks."""
    return show_hidden(_BLANKS.sub(" ", text).strip())


def markdown(text: str) -> str:
    """Return the text so that Markdown, with its HTML and tables, shows it unchanged. One line."""
    plain = _ENTITY.sub("&amp;", one_line(text)).replace("\\", "\\\\")
    plain = _MARKUP.sub(lambda match: match[0] if match[0] == "\\" else f"\\{match[0]}", plain).replace("<", "&lt;")
    return _FIRST_IN_LINE.sub(_escape_first, plain)


def _escape_first(match: re.Match[str]) -> str:
    """Escape the sign that starts a list, a heading or a quotation (in a numbered list: the sign after the number)."""
    return f"{match[0][:-1]}\\{match[0][-1]}"


def csv_cell(text: str) -> str:
    """Return the text so that a spreadsheet does not run it: a formula, also after blanks, gets a quote before it."""
    plain = show_hidden(text)
    risky = plain.lstrip()[:1] in tuple(_FORMULA) or text[:1] in ("\t", "\r", "\n")
    return f"'{plain}" if plain.strip() and risky else plain
