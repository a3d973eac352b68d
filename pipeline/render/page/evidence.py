"""The evidence of a bottleneck in Chinese: the layer holds it as one English line.

Only the translation of the forms that `measures.bottlenecks` writes belongs
here; a text of any other form is shown as it stands.
"""

from __future__ import annotations

import re

_DROP = re.compile(
    r"(?P<what>[a-z/ ]+?)(?P<tagged>, tagged)?: (?P<here>[\w.]+) over (?P<length>[\d.]+) m; "
    r"approaches (?P<left>[\w.]+) and (?P<right>[\w.]+)"
)
_LOAD = re.compile(r"carries (?P<share>[\d.]+) % of the fastest paths between the two cities")
_WHAT = {
    "lanes per direction": "单向车道数",
    "class": "道路等级",
    "km/h": "限速 km/h",
    "pcu/h": "通行能力 pcu/h",
}


def in_chinese(evidence: str) -> str:
    """The line in Chinese, or the line itself where its form is not known."""
    if found := _DROP.fullmatch(evidence):
        what = _WHAT.get(found["what"], found["what"])
        tagged = "（标注值）" if found["tagged"] else ""
        return (
            f"{what}{tagged}：{found['length']} 米内为 {found['here']}，"
            f"两侧引道 {found['left']} 与 {found['right']}"
        )
    if found := _LOAD.fullmatch(evidence):
        return f"承担两市间 {found['share']}% 的最快路径"
    return evidence
