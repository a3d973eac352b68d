"""The evidence of a bottleneck in Chinese: the layer holds it as one English line.

The forms that a line may take, in both languages, stand with the kinds of bottleneck
(`crossings.kinds`); a line of any other form is shown as it stands.
"""

from __future__ import annotations

import re
from functools import cache

from pipeline.measures.crossings.kinds import KINDS
from pipeline.terms import Words

_FIELD = re.compile(r"\\\{(\w+)\\\}")


def in_chinese(evidence: str) -> str:
    """The line in Chinese, or the line itself where its form is not known."""
    forms = {form for kind in KINDS for form in kind.evidence}
    for form in sorted(forms):
        if found := _pattern(form).fullmatch(evidence):
            return form.zh.format(**found.groupdict())
    return evidence


@cache
def _pattern(form: Words) -> re.Pattern[str]:
    """What reads the fields of a form out of an English line."""
    return re.compile(_FIELD.sub(r"(?P<\1>[\\w.]+)", re.escape(form.en)))
