"""What a scenario or a comparison says first: a few sentences for who reads no table.

Sentences on the metro as a whole belong here; what cannot be said to the figures shown is
left out, never rounded up. The tables below belong to `scenario_page` and
`comparison_page`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from markupsafe import Markup

from pipeline.render.page import bilingual as say
from pipeline.render.review.review_page import EXCEEDS, Change, by_scope, is_visible

HOUR = "people_within_60min_of_core_drive"


def scenario_headline(
    links: pd.DataFrame,
    changes: pd.DataFrame,
    zone_changes: pd.DataFrame,
    build_sequence: pd.DataFrame,
    trips_per_day: float,
) -> list[Markup]:
    """Hours that built links save, people whom they bring into the hour, the score.

    Parameters
    ----------
    links
        Rows of ``missing_links`` that were built.
    changes, zone_changes
        Of the scenario.
    build_sequence
        Of the base.
    trips_per_day
        Of a person, by which gains become hours a day (`MissingLinksParams`).
    """
    of_metro = by_scope(changes[changes["border_id"].isna().to_numpy(bool)], "city_id")
    hour, score = of_metro.get((None, HOUR)), of_metro.get((None, "overall"))
    # Whether the sum over people holds is whether their mean does.
    mean = of_metro.get((None, "mean_minutes_to_core"))
    is_nearer = mean is not None and mean.significance == EXCEEDS
    sentences = [
        _hours(hours_saved_a_day(links, build_sequence, trips_per_day), "review.saves_a_day"),
        _hours(hours_to_core(zone_changes) if is_nearer else None, "review.saves_to_core"),
        _people(hour),
        _score(score),
    ]
    said = [each for each in sentences if each is not None]
    return said or [say.text("review.saves_nothing")]


def hours_saved_a_day(
    links: pd.DataFrame, build_sequence: pd.DataFrame, trips_per_day: float
) -> float | None:
    """Person-hours a day that the links save together on all trips.

    Known of a single link, and of the first ones of the order of building, each of which
    was looked at with those before it built. Sums of single gains are none: links that do
    the same are worth less together. Links whose gain is below its error are in no order.
    """
    resolved = links[links["is_gain_significant"].to_numpy(bool)]
    if resolved.empty:
        return None
    if len(resolved) == 1:
        hours = resolved["gain_person_hours_day"].iloc[0]
        return None if say.is_unknown(hours) else float(hours)
    steps = build_sequence.sort_values("step")
    is_built = steps["link_id"].isin(resolved["link_id"]).to_numpy(bool)
    count = len(resolved)
    if is_built.sum() != count or not is_built[:count].all():
        return None
    return float(steps["total_person_min"].iloc[count - 1]) / 60.0 * trips_per_day


def hours_to_core(zone_changes: pd.DataFrame) -> float | None:
    """Person-hours that one trip to the core by everybody gets shorter; None where not known."""
    people = zone_changes["population"].to_numpy(float)
    saved = -zone_changes["minutes_to_core_change"].to_numpy(float)
    known = np.isfinite(people) & np.isfinite(saved)
    return float((people[known] * saved[known]).sum() / 60.0) if known.any() else None


def _hours(hours: float | None, key: str) -> Markup | None:
    if hours is None or hours < say.SMALLEST_HOURS:
        return None
    return say.text(key, n=say.about_texts(hours, say.SMALLEST_HOURS))


def _people(row: Change | None) -> Markup | None:
    if row is None or not is_visible(row, "people") or say.is_unknown(row.change):
        return None
    if row.change is None or row.change <= 0:
        return None
    return say.text("review.into_the_hour", n=say.about_texts(row.change))


def _score(row: Change | None) -> Markup | None:
    if row is None or row.after is None or row.change is None or not is_visible(row, "points"):
        return None
    if say.is_unknown(row.change):
        return None
    sign = "+" if row.change > 0 else ""
    change = f"{sign}{say.digits(row.change, 1)}"
    return say.text("review.score_becomes", change=change, score=say.digits(row.after, 1))


def comparison_headline(
    labels: tuple[str, str], built: int, opened: int, new: int, changes: pd.DataFrame
) -> list[Markup]:
    """What was built, opened and newly cut off between two years, and the score."""
    counts = say.text("review.compare_counts", a=labels[0], built=built, opened=opened, new=new)
    of_metro = by_scope(changes[changes["border_id"].isna().to_numpy(bool)], "city_id")
    score = of_metro.get((None, "overall"))
    said = _score(score)
    if said is None:
        return [counts]
    growth = None if score is None else score.change_by_growth
    if growth is None or say.is_unknown(growth) or say.digits(growth, 1) == "0":
        return [counts, said]
    shown = ("+" if growth > 0 else "") + say.digits(growth, 1)
    return [counts, said + Markup(" ") + say.text("review.score_by_growth", n=shown)]
