"""Times, reach, the border effect and lines across: the rows about commuting."""

from __future__ import annotations

from markupsafe import Markup

from pipeline.render.brief import pair_facts
from pipeline.render.brief.pair_facts import Pair
from pipeline.render.brief.subject import Row, Subject
from pipeline.render.page import bilingual as say


def times(made: Subject, pair: Pair) -> list[Row]:
    return [
        {
            "mode": say.word("mode", row["mode"]),
            "there": _minutes(row["there"], row["reason"]),
            "back": _minutes(row["back"], row["reason"]),
            "distance": say.unit(row["distance_km"], "km")
            if row["distance_km"] is not None
            else say.DASH,
            "detour": say.number(row["detour_ratio"], 2)
            if row["detour_ratio"] is not None
            else say.DASH,
        }
        for row in pair_facts.times_between(
            pair, made.layers["centres"], made.layers["centre_times"]
        )
    ]


def _minutes(value: float | None, reason: str | None) -> Markup:
    if value is not None:
        return say.unit(value, "min")
    return say.word("reason", reason) if reason else say.unknown()


def reach(made: Subject, pair: Pair) -> list[Row]:
    found = [pair_facts.reach_of_city(city_id, made.layers["zones"]) for city_id in pair.cities]
    return [
        {
            "label": say.text(f"brief.{key}", core=_core_names(made)),
            "values": [say.percent(each[key], 1) for each in found],
        }
        for key in ("core_60min_pct", "core_60min_peak_pct", "across_60min_pct")
    ]


def _core_names(made: Subject) -> tuple[str, str]:
    core = made.layers["cities"][made.layers["cities"]["is_core"].to_numpy()]
    return made.names(core["city_id"].iloc[0]) if len(core) else ("", "")


def effect(made: Subject, pair: Pair) -> list[Row]:
    rows: list[Row] = []
    for row in pair_facts.effect_of(pair, made.layers["border_effect"]):
        control = say.DASH
        if row["placebo_low"] is not None and row["placebo_high"] is not None:
            control = _range(row["placebo_low"], row["placebo_high"])
        interval = None
        if row["low"] is not None and row["high"] is not None:
            interval = _range(row["low"], row["high"])
        rows.append(
            {
                "mode": say.word("mode", row["mode"]),
                "penalty": say.signed_percent(row["penalty"])
                if row["penalty"] is not None
                else say.word("reason", row["reason"]),
                "interval": interval,
                "control": control,
                "river": say.text("effect.river") if row["includes_river"] else "",
                "median_of": row["borders"] if len(pair.borders) > 1 else None,
            }
        )
    return rows


def _range(low: float, high: float) -> Markup:
    return Markup("{} &hellip; {}").format(say.signed_percent(low), say.signed_percent(high))


def transit(made: Subject, pair: Pair) -> list[Markup]:
    """Rail and bus lines across, where the pair has one border: counts of several may overlap."""
    if len(pair.borders) != 1:
        return []
    own = pair.rows(made.layers["indicators"])
    found = []
    for name in ("rail_lines_across", "bus_routes_across"):
        value = own.loc[(own["indicator"] == name).to_numpy(), "value"].dropna()
        if len(value):
            found.append(
                Markup("{}: {}").format(say.text(f"indicator.{name}"), say.number(value.iloc[0]))
            )
    return found
