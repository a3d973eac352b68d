"""Lines of a run where no terminal is: starts, ends, and parts of what takes long."""

from types import SimpleNamespace

from pipeline.flow import progress
from pipeline.flow.events import Event


def lines_of(capsys, *events, quiet=False):
    with progress.RunDisplay("Town", stages=1, quiet=quiet) as display:
        for event in events:
            display.report(event)
    return capsys.readouterr().out.splitlines()


def test_a_long_stage_shows_how_far_it_is(capsys, monkeypatch):
    started, part = Event("started", "ecology", "not yet made", tasks=3), Event("part", "ecology")
    done = Event("done", "ecology", "40.0 s")
    quick = lines_of(capsys, started, part, part, done)
    assert quick == ["  ecology: not yet made (3 tasks)", "  ecology: done in 40.0 s"]
    assert lines_of(capsys, started, part, done, quiet=True) == []
    clock = iter([0.0, 20.0, 21.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    slow = lines_of(capsys, started, part, part, done)
    assert slow == [quick[0], "  ecology: 1 of 3 tasks done", quick[1]]
