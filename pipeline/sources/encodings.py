"""Which encoding the text of a file is in, read off its bytes.

What belongs here: telling UTF-8, GBK (with GB18030, which includes it), Big5 and Western European
text apart, whole files and cells that were cut at a fixed width. Which files are asked is the
readers'.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

UTF8, GBK, BIG5, WESTERN = "UTF-8", "GB18030", "CP950", "CP1252"
LEAST_COMMON = 0.5
"""Share of double-byte characters of the common set (GB 2312) in text that is taken for Chinese.
Chinese text has over 99 % of them; in Western text read so, an accent and the letter behind it
make a character outside of that set."""


LEAST_COMMON_BIG5 = 0.9
"""Likewise of Big5's first level, which holds the characters in daily use."""


def encoding_of(cells: Iterable[bytes]) -> str:
    """The first of `UTF8`, `GBK`, `BIG5` and `WESTERN` that text is in.

    Each cell of it may be cut inside a character. Text of Big5 is in GBK too, by its bytes, as
    characters that nobody uses: of both the one is taken that makes more of it common characters.

    Western European text is what remains: every byte means something in it.
    """
    texts = [cell for cell in cells if not cell.isascii()]
    if is_in(texts, UTF8):
        return UTF8
    common = _share_common(texts) if is_in(texts, GBK) else 0.0
    common_big5 = _share_common_big5(texts) if is_in(texts, BIG5) else 0.0
    if common_big5 > max(common, LEAST_COMMON_BIG5):
        return BIG5
    return GBK if common >= LEAST_COMMON else WESTERN


def decode(cell: bytes, encoding: str) -> str:
    """Text of a cell; a character that the cell's end cuts is left out.

    Raises
    ------
    UnicodeDecodeError
        If it is not in the encoding.
    """
    decoder = codecs.getincrementaldecoder(encoding)("replace" if encoding == WESTERN else "strict")
    return decoder.decode(cell, final=False)


def is_in(cells: Iterable[bytes], encoding: str) -> bool:
    """Whether all cells are in an encoding, each possibly cut inside a character."""
    try:
        for cell in cells:
            decode(cell, encoding)
    except UnicodeDecodeError:
        return False
    return True


def _share_common(cells: list[bytes]) -> float:
    """Share of the double-byte characters that are of GB 2312: hanzi or signs."""
    return _share(0xA1 <= lead <= 0xF7 and trail >= 0xA1 for lead, trail in _pairs(cells))


def _share_common_big5(cells: list[bytes]) -> float:
    """Share of the double-byte characters that are of Big5's first level, or its signs."""
    return _share(0xA1 <= lead <= 0xC6 for lead, _ in _pairs(cells))


def _share(flags: Iterable[bool]) -> float:
    """Share of those that are true, without holding them: a text has millions of characters."""
    count = common = 0
    for flag in flags:
        count += 1
        common += flag
    return common / max(count, 1)


def _pairs(cells: list[bytes]) -> Iterator[tuple[int, int]]:
    """Bytes of every double-byte character; the second is 0 where the cell's end cuts it."""
    for cell in cells:
        at = 0
        while at < len(cell):
            if cell[at] < 0x80:
                at += 1
                continue
            yield cell[at], cell[at + 1] if at + 1 < len(cell) else 0
            at += 2
