"""Chinese names in Pinyin, so that a reader finds a place without a Chinese keyboard.

Only how names are spelt for the search belongs here; nothing that is shown is made of it.
"""

from __future__ import annotations

import pandas as pd
from pypinyin import lazy_pinyin

from pipeline.terms import has_cjk


def pinyin(names: pd.Series) -> pd.Series:
    """Each name without tones, in one word and by initials; null where it has no Chinese.

    郑州市 becomes ``zhengzhoushi zzs``.
    """
    spelt = [_spell(name) if isinstance(name, str) and has_cjk(name) else None for name in names]
    return pd.Series(spelt, index=names.index, dtype="object")


def _spell(name: str) -> str:
    syllables = lazy_pinyin(name, errors="ignore")
    return f"{''.join(syllables)} {''.join(each[0] for each in syllables if each)}"
