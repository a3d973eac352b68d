"""A page made again of the same layers is the same: nothing on it tells when it was made."""

from __future__ import annotations

from pathlib import Path

from pipeline.flow.tasks import page_facts
from pipeline.sources.source import Source


def test_facts_of_a_page_do_not_depend_on_the_time_of_the_run():
    source = Source("pbf", (Path("x.osm.pbf"),))
    facts = {"centre": [113.6, 34.7], "osm_snapshot": "2026-01-01", "notes": ["read ?token=S3CRET"]}
    one, two = (
        page_facts(source, {**facts, "read_at": at})
        for at in ("2026-01-01T00:00:00+00:00", "2026-06-01T00:00:00+00:00")
    )
    assert one == two
    assert "S3CRET" not in str(one)
