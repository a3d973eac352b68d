"""The kinds of bottleneck: one row each, and everything else reads from here.

A row holds what is called what, how its evidence reads, how it is drawn and whether it
counts. Layers, styles, pages, briefs, the index, exports and the data dictionary take
their kinds from this table. How a kind is found is its rule, in `bottlenecks.RULES`.

A declaration: it imports nothing of the measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.terms import Words

Shape = Literal["triangle", "diamond", "square", "circle"]


@dataclass(frozen=True)
class BottleneckKind:
    """One kind of bottleneck.

    ``evidence`` are the forms that a finding's evidence may take, with the same fields in
    both languages: the layer holds the English line, pages show either. ``dash`` is in
    pixels, as SVG writes it; ``shape`` is the marker's. A kind that is not counted (as a
    road that carries much without being narrow) is listed and drawn, but stands neither in
    the number of bottlenecks nor in the index.
    """

    name: str
    words: Words
    meaning: Words
    evidence: tuple[Words, ...]
    color: str
    dash: str
    shape: Shape
    is_counted: bool = True


def _drop(zh: str, en: str) -> Words:
    return Words(
        f"{zh}：{{length}} 米内为 {{here}}，两侧引道 {{left}} 与 {{right}}",
        f"{en}: {{here}} over {{length}} m; approaches {{left}} and {{right}}",
    )


LANES_DROP = _drop("单向车道数（标注值）", "lanes per direction, tagged")
CLASS_DROP = _drop("道路等级", "class")
SPEED_DROP = _drop("限速 km/h（标注值）", "km/h, tagged")
CAPACITY_DROP = _drop("通行能力 pcu/h（标注值）", "pcu/h, tagged")
LOAD_SHARE = Words(
    "承担两市间 {share}% 的最快路径",
    "carries {share} % of the fastest paths between the two cities",
)

KINDS: tuple[BottleneckKind, ...] = (
    BottleneckKind(
        "lane_drop",
        Words("车道减少", "Lane drop"),
        Words(
            "单向车道数少于两侧引道，或因车道不足而通行能力骤降；车道数均为标注值",
            "fewer lanes per direction than both approaches, or much less capacity "
            "for want of lanes; all lanes tagged",
        ),
        (LANES_DROP, CAPACITY_DROP),
        "#c04f00",
        "",
        "triangle",
    ),
    BottleneckKind(
        "class_drop",
        Words("等级降低", "Class drop"),
        Words(
            "道路等级明显低于两侧引道，或因等级而通行能力骤降",
            "a road class well below both approaches', or much less capacity through the class",
        ),
        (CLASS_DROP, CAPACITY_DROP),
        "#00795a",
        "9 4",
        "diamond",
    ),
    BottleneckKind(
        "speed_drop",
        Words("限速降低", "Speed drop"),
        Words(
            "标注限速明显低于两侧引道",
            "a tagged speed limit well below both approaches'",
        ),
        (SPEED_DROP,),
        "#0072B2",
        "3 4",
        "square",
    ),
    BottleneckKind(
        "critical_crossing",
        Words("关键通道", "Critical crossing"),
        Words(
            "承担两市间最快路径比例最大的通道，并非变窄，不计入瓶颈路",
            "carries one of the largest shares of the fastest paths between the two cities; "
            "not a narrowing, and not counted as a bottleneck",
        ),
        (LOAD_SHARE,),
        "#7b2d6b",
        "14 4 2 4",
        "circle",
        is_counted=False,
    ),
)

COUNTED = tuple(kind.name for kind in KINDS if kind.is_counted)
"""Names of the kinds that count as bottlenecks, in figures and in the index."""
