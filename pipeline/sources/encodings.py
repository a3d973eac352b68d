"""Which encoding the text of a file is in, read off its bytes.

What belongs here: telling UTF-8, GBK (with GB18030, which includes it) and Western European
text apart, whole files and cells that were cut at a fixed width. Which files are asked is the
readers'.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable

UTF8, GBK, WESTERN = "UTF-8", "GB18030", "CP1252"
LEAST_COMMON = 0.5
"""Share of double-byte characters of the common set (GB 2312) in text that is taken for Chinese.
Chinese text has over 99 % of them; in Western text read so, an accent and the letter behind it
make a character outside of that set."""


def encoding_of(cells: Iterable[bytes]) -> str:
    """The first of `UTF8`, `GBK` and `WESTERN` that text is in.

    Each cell of it may be cut inside a character.

    Western European text is what remains: every byte means something in it.
    """
    texts = [cell for cell in cells if not cell.isascii()]
    if is_in(texts, UTF8):
        return UTF8
    if is_in(texts, GBK) and _share_common(texts) >= LEAST_COMMON:
        return GBK
    return WESTERN


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
    """Share of the double-byte characters whose both bytes are high, as in GB 2312."""
    common = total = 0
    for cell in cells:
        at = 0
        while at < len(cell):
            if cell[at] < 0x80:
                at += 1
                continue
            total += 1
            common += at + 1 < len(cell) and 0xA1 <= cell[at] <= 0xF7 and cell[at + 1] >= 0xA1
            at += 2
    return common / max(total, 1)
