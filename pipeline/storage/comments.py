"""Scripts and style sheets without their comments.

What tells a comment of JavaScript or CSS from text belongs here; what is done with the rest
does not: pages carry scripts without comments (`render.page.scripts`), and comments make no
stage stale (`storage.recipe`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# What may hold the signs of a comment and is none: texts in quotes, and addresses in CSS.
_QUOTED = r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])*'"
_CSS = re.compile(
    rf"(?P<comment>/\*.*?\*/)|(?P<other>{_QUOTED}|url\(\s*[^\s\"')][^)]*\)|.)", re.DOTALL
)
_JS = re.compile(
    rf"(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<quoted>{_QUOTED})|(?P<word>[\w$]+)"
    r"|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+/\w*")
_BEFORE_REGEX = frozenset(
    ("return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "throw", "new")
)
"""Words behind which a slash begins a pattern; behind others and closing brackets it divides."""


def without_comments(text: str, suffix: str) -> str:
    """A text of JavaScript (``.js``) or CSS (``.css``) without its comments.

    Comments go wherever they stand, with the blanks before them; their line breaks stay as
    one, since a line break may end a statement. Quotes, backquotes, patterns and addresses
    that look like comments are left. A block comment that does not end is left too.
    """
    pieces: list[str] = []
    tokens = _javascript(text) if suffix == ".js" else _style_sheet(text)
    for piece, is_comment in tokens:
        if not is_comment:
            pieces.append(piece)
            continue
        while pieces and pieces[-1].strip(" \t") == "":
            pieces.pop()
        if pieces and pieces[-1] != pieces[-1].rstrip(" \t"):
            pieces[-1] = pieces[-1].rstrip(" \t")
        pieces.append("\n" if "\n" in piece else "\x00")
    return _closed("".join(pieces))


def _closed(text: str) -> str:
    """Where a comment stood: a blank between two words, else nothing."""
    text = re.sub(r"(?<=[\w$])\x00+(?=[\w$])", " ", text)
    return text.replace("\x00", "")


def _style_sheet(text: str) -> Iterator[tuple[str, bool]]:
    for match in _CSS.finditer(text):
        yield match.group(), match.lastgroup == "comment"


def _javascript(text: str) -> Iterator[tuple[str, bool]]:
    """Pieces of a script in order, and whether each is a comment."""
    at, last = 0, ""
    # Open braces: those of `${` in a text in backquotes lead back into the text.
    braces: list[bool] = []
    while at < len(text):
        match = _JS.match(text, at)
        if match is None:
            return
        piece, kind = match.group(), match.lastgroup
        if piece == "`" or (piece == "}" and braces and braces[-1]):
            if piece == "}":
                braces.pop()
            end = _end_of_text(text, at + 1)
            if text[end - 2 : end] == "${":
                braces.append(True)
                last = "{"
            else:
                last = "`"
            yield text[at:end], False
            at = end
            continue
        if piece == "/" and _may_begin_pattern(last) and (found := _REGEX.match(text, at)):
            piece, kind = found.group(), "quoted"
        elif piece == "{":
            braces.append(False)
        elif piece == "}" and braces:
            braces.pop()
        yield piece, kind == "comment"
        if kind not in ("comment", "space"):
            last = piece
        at += len(piece)


def _may_begin_pattern(last: str) -> bool:
    if not last or last in _BEFORE_REGEX:
        return True
    return not (last[-1] in ")]}`\"'/" or re.match(r"[\w$]", last[-1]))


def _end_of_text(text: str, at: int) -> int:
    """Where a text in backquotes ends or is left for ``${``: the index behind that."""
    while at < len(text):
        if text[at] == "\\":
            at += 2
        elif text[at] == "`":
            return at + 1
        elif text.startswith("${", at):
            return at + 2
        else:
            at += 1
    return len(text)
