"""Projects and bottlenecks: the rows of the roads' tables."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import geopandas as gpd
from markupsafe import Markup

from pipeline.render.brief import pair_facts
from pipeline.render.brief.signs import MAX_BOTTLENECKS, MAX_PROJECTS, letter
from pipeline.render.brief.subject import Row, Subject
from pipeline.render.page import bilingual as say
from pipeline.render.page import style
from pipeline.render.page.evidence import in_chinese
from pipeline.render.page.nearby import end_counties, end_names, nearest_names


def projects(made: Subject, links: gpd.GeoDataFrame) -> list[Row]:
    shown = links.iloc[:MAX_PROJECTS]
    near = nearest_names(shown, made.layers["places"])
    ends = end_names(shown, made.layers["places"])
    counties = end_counties(shown, made.layers["counties"])
    names = pair_facts.road_names(shown, made.layers["dead_ends"])
    limits = made.metro.params.missing_links.cost_classes_m_cny
    rows: list[Row] = []
    for n, row in enumerate(shown.to_dict("records")):
        rows.append(
            {
                "mark": str(n + 1),
                "colour": style.STATUS[row["status"]]["color"],
                "href": made.link("links", "missing_links", row["link_id"]),
                "title": _link_title(names[n], ends[n], counties[n], row["highway"], near.iloc[n]),
                "under": say.word("highway", row["highway"])
                if not any(names[n])
                else _link_place(row["highway"], near.iloc[n]),
                "counties": _counties(counties[n]),
                "proposal": _proposal(row, limits),
                "rank": None if say.is_unknown(row["rank"]) else int(row["rank"]),
                "status": say.word("status", row["status"]),
                "obstacle": None
                if row["obstacle"] == "none"
                else say.word("obstacle", row["obstacle"]),
                "gap": say.distance(row["gap_m"]),
                "detour": _no_detour(row)
                if say.is_unknown(row["detour_m"])
                else Markup("{} {}").format(say.text("brief.round"), say.distance(row["detour_m"])),
                "saved": say.unit(row["minutes_saved"], "min", 1)
                if not say.is_unknown(row["minutes_saved"])
                else say.DASH,
                **_gains(row),
                **_shares(row),
                "cost": say.cost_range(row["indicative_cost_class"], limits),
                "confidence": say.word("confidence", style.confidence_class(row["confidence"])),
            }
        )
    return rows


def _gains(row: Mapping[Hashable, object]) -> Row:
    """What each side gains, and both in a day; no figure where it is below its error."""
    gains = {"gain_first": row["gain_first"], "gain_second": row["gain_second"]}
    if not row["is_gain_significant"] and not any(say.is_unknown(each) for each in gains.values()):
        return {**dict.fromkeys(gains, say.text("links.unresolved")), "hours": None}
    shown = {
        name: say.about(None if say.is_unknown(each) else float(str(each)))
        for name, each in gains.items()
    }
    hours = hours_a_day(row)
    return {**shown, "hours": hours and say.both(*hours)}


def _shares(row: Mapping[Hashable, object]) -> Row:
    """How both sides share what a link brings, or why that is not known."""
    share = row["share_first_pct"]
    if row["is_gain_significant"] and not say.is_unknown(share):
        return {"share_first": round(float(str(share))), "unshared": None}
    gains = (row["gain_first"], row["gain_second"])
    if gains == (0, 0):
        reason = say.text("brief.nobody")
    elif row["is_gain_significant"] or any(say.is_unknown(each) for each in gains):
        reason = say.unknown()
    else:
        reason = say.text("links.unresolved")
    return {"share_first": None, "unshared": reason}


def hours_a_day(link: Mapping[Hashable, object]) -> tuple[str, str] | None:
    """Person-hours that both sides gain in a day; none where not known or below their error."""
    hours = link["gain_person_hours_day"]
    if say.is_unknown(hours) or not link["is_gain_significant"]:
        return None
    return say.about_texts(float(str(hours)), say.SMALLEST_HOURS)


def _proposal(row: Mapping[Hashable, object], limits: Sequence[float]) -> Markup:
    """What the meeting might decide on a link, from its status, length and cost."""
    cost = say.cost_range(str(row["indicative_cost_class"]), limits)
    key = f"brief.propose_{row['status']}"
    return Markup("{} ({}, {})").format(say.text(key), say.distance(float(str(row["gap_m"]))), cost)


def _no_detour(row: Mapping[Hashable, object]) -> Markup:
    """No road of the link's class leads round: lower roads may."""
    saved = row["minutes_saved"]
    return say.text("popup.no_way_round" if say.is_unknown(saved) else "popup.lower_roads_only")


def _link_title(
    names: tuple[str | None, str | None],
    ends: tuple[object, object],
    counties: tuple[object, object],
    highway: str,
    near: object,
) -> Markup:
    """The roads of both sides; else the settlements next to its ends, or the counties there."""
    known = list(dict.fromkeys(name for name in names if name))
    places = list(dict.fromkeys(str(place) for place in ends if not say.is_unknown(place)))
    if len(known) < 2 and len(places) == 2:
        known = places
    if known:
        return say.both(" – ".join(known), " – ".join(known))
    kind = say.word_texts("highway", highway)
    if say.is_unknown(near):
        around = _counties(counties)
        if around is None or counties[0] == counties[1]:
            return say.text("popup.unnamed_link", **{"class": kind})
        return say.text("popup.county_link", **{"class": kind, "places": around})
    return say.text("popup.unnamed_near", **{"class": kind, "place": str(near)})


def _counties(ends: tuple[object, object]) -> str | None:
    """Counties of both ends; none where either is not known."""
    if any(say.is_unknown(each) for each in ends):
        return None
    return " – ".join(str(each) for each in dict.fromkeys(ends))


def _link_place(highway: str, near: object) -> Markup:
    kind = say.word("highway", highway)
    if say.is_unknown(near):
        return kind
    return Markup("{} &middot; {}").format(kind, say.text("popup.near_place", place=str(near)))


def bottlenecks(made: Subject, bottlenecks: gpd.GeoDataFrame) -> list[Row]:
    shown = bottlenecks.iloc[:MAX_BOTTLENECKS]
    near = nearest_names(shown, made.layers["places"])
    rows: list[Row] = []
    for n, row in enumerate(shown.to_dict("records")):
        label = road_label(row["name"], row["ref"])
        title = (
            say.both(label, label)
            if label
            else say.text("popup.unnamed", **{"class": say.word_texts("highway", row["highway"])})
        )
        rows.append(
            {
                "mark": letter(n),
                "colour": style.BOTTLENECK[row["kind"]]["color"],
                "href": made.link("bottlenecks", "bottlenecks", row["bottleneck_id"]),
                "title": title,
                "near": None if say.is_unknown(near.iloc[n]) else str(near.iloc[n]),
                "kind": say.word("bottleneck", row["kind"]),
                "marks": [
                    say.text(f"popup.{name}")
                    for name, flag in (("bridge", row["is_bridge"]), ("toll", row["is_toll_plaza"]))
                    if flag
                ],
                "here": say.number(row["capacity_here_pcu_h"]),
                "approach": say.number(row["capacity_approach_pcu_h"]),
                "ratio": say.number(row["capacity_ratio"], 2),
                "load": say.percent(row["load_share_pct"]),
                "evidence": say.both(in_chinese(str(row["evidence"])), str(row["evidence"])),
            }
        )
    return rows


def road_label(name: object, ref: object) -> str:
    """Name and number, the number once; empty where the road has neither."""
    parts = [str(each) for each in (name, ref) if not say.is_unknown(each)]
    return parts[0] if len(parts) == 2 and parts[1] in parts[0] else " ".join(parts)
