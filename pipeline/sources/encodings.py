"""Which encoding the text of a file is in, read off its bytes.

What belongs here: telling UTF-8, GBK (with GB18030, which includes it), Big5, the Korean and
Japanese ones and Western European text apart, whole files and cells that were cut at a fixed width.
Which files are asked is the readers'.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

UTF8, GBK, BIG5, WESTERN = "UTF-8", "GB18030", "CP950", "CP1252"
KOREAN, SHIFT_JIS, EUC_JP = "CP949", "CP932", "EUC-JP"
LEAST_COMMON = 0.5
"""Share of double-byte characters of the common set (GB 2312) in text that is taken for Chinese.
Chinese text has over 99 % of them; in Western text read so, an accent and the letter behind it
make a character outside of that set."""
LEAST_COMMON_BIG5 = 0.9
"""Likewise of Big5's first level, which holds the characters in daily use, and of Shift-JIS's."""
LEAST_HIGH_TRAILS = 0.4
"""Share of characters of Shift-JIS text with a second byte beyond ASCII: two of three at random. In
Western text a letter or a blank follows what would be the first byte, a curly quote."""
LEAST_LEAD = 0.15
"""By so much more of it must be frequent characters of another language than of Chinese."""

_FREQUENT = {
    GBK: (
        "路道大街高速公桥国省县乡市区镇村东西南北中山"
        "新环线快江河湖海城站州京广园门一二三人民建设学院工业"
    ),
    KOREAN: (
        "로길동시대구군면읍리산천남북서강교도중부해안신원성"
        "전주인광울경기세종호선가영정장상한고속국지방터널역"
    ),
    EUC_JP: "東京道国県市町村線通丁目号駅山川橋大中南北西本新区街前谷田野高速り",
}
"""Characters that names of roads and places are full of. These three encodings use the same bytes
for characters of their own: text of one is text of another, in characters that nobody uses."""


def encoding_of(cells: Iterable[bytes]) -> str:
    """The encoding that text is in, `WESTERN` where it is none of the others.

    Each cell of it may be cut inside a character. Text of Big5 is in GBK too, by its bytes, as
    characters that nobody uses: of both the one is taken that makes more of it common characters.
    So are Korean and Japanese text, told by their frequent characters.

    Western European text is what remains: every byte means something in it.
    """
    texts = [cell for cell in cells if not cell.isascii()]
    if is_in(texts, UTF8):
        return UTF8
    pairs = Counter(_pairs(texts))
    common = _share_common(pairs) if is_in(texts, GBK) else 0.0
    common_big5 = _share_common_big5(pairs) if is_in(texts, BIG5) else 0.0
    if common_big5 > max(common, LEAST_COMMON_BIG5):
        return BIG5
    if common < LEAST_COMMON:
        return SHIFT_JIS if is_in(texts, SHIFT_JIS) and _is_shift_jis(pairs) else WESTERN
    frequent = {each: _share_frequent(pairs, each) for each in _FREQUENT if is_in(texts, each)}
    best = max(frequent, key=lambda each: frequent[each])
    return best if frequent[best] > frequent[GBK] + LEAST_LEAD else GBK


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


def _share_common(pairs: Counter[tuple[int, int]]) -> float:
    """Share of the double-byte characters that are of GB 2312: hanzi or signs."""
    return _share(pairs, lambda lead, trail: 0xA1 <= lead <= 0xF7 and trail >= 0xA1)


def _share_common_big5(pairs: Counter[tuple[int, int]]) -> float:
    """Share of the double-byte characters that are of Big5's first level, or its signs."""
    return _share(pairs, lambda lead, _: 0xA1 <= lead <= 0xC6)


def _is_shift_jis(pairs: Counter[tuple[int, int]]) -> bool:
    """Whether text that is in Shift-JIS by its bytes has its kana, signs and first kanji."""
    common = _share(pairs, lambda lead, _: 0x81 <= lead <= 0x83 or 0x88 <= lead <= 0x97)
    return (
        common > LEAST_COMMON_BIG5
        and _share(pairs, lambda _, trail: trail >= 0x80) > LEAST_HIGH_TRAILS
    )


def _share_frequent(pairs: Counter[tuple[int, int]], encoding: str) -> float:
    """Share of the double-byte characters that are frequent ones of an encoding's language."""
    frequent = {tuple(each.encode(encoding)) for each in _FREQUENT[encoding]}
    return _share(pairs, lambda *pair: pair in frequent)


def _share(pairs: Counter[tuple[int, int]], is_wanted: Callable[[int, int], bool]) -> float:
    wanted = sum(count for pair, count in pairs.items() if is_wanted(*pair))
    return wanted / max(pairs.total(), 1)


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
