"""The verbs: parse, call, print, exit code. What they do belongs to the modules they call."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pipeline.errors import ClusterError, ConfigError, DiskFullError, PipelineError
from pipeline.flow.progress import RunDisplay, complain, say, show_download
from pipeline.metros.catalogue import DEFAULT_METRO, Metro, known_metros, load_metro, metro_id_of

OK, FAILED, WRONG_USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code (0 done, 1 failed, 2 wrong usage or config)."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.verb(options))
    except KeyboardInterrupt:
        complain("interrupted; what is finished is kept, run again to go on")
        return FAILED
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        return OK
    except PipelineError as error:
        _tell(error, options.debug)
        return error.exit_code
    except Exception as error:
        _tell(error, options.debug)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metro-integration",
        description="How well the cities of a metropolitan area are joined, from OpenStreetMap.",
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    run = _verb(verbs, "run", _run, "run all stages for the metros")
    run.add_argument(
        "metros",
        nargs="*",
        metavar="METRO",
        default=[DEFAULT_METRO],
        help="ids, paths to TOML files, or all (default %(default)s)",
    )
    _add_source(run)
    _add_workers(run)
    run.add_argument(
        "--until",
        metavar="STAGE",
        action="append",
        help="run this stage and what it needs (again for more)",
    )
    run.add_argument(
        "--force",
        metavar="STAGE",
        action="append",
        default=[],
        help="rerun this stage even if it is fresh; may be repeated",
    )

    _verb(verbs, "metros", _metros, "list the catalogue")
    _verb(verbs, "stages", _stages, "list the stages, what they take and what they make")
    status = _verb(verbs, "status", _status, "what is fresh, stale, missing, and why")
    status.add_argument("metro", nargs="?", default=DEFAULT_METRO, metavar="METRO")
    _add_source(status)

    new = _verb(verbs, "new-metro", _new_metro, "write a metro file from an extract or from names")
    new.add_argument("file", metavar="FILE.toml", help="the file to write")
    new.add_argument(
        "--osm",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help=".osm.pbf extracts that hold the cities",
    )
    new.add_argument(
        "--geofabrik",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="extracts to download, such as asia/china/henan",
    )
    new.add_argument(
        "--cities",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="names or OSM relation ids; else all areas of --admin-level",
    )
    new.add_argument("--admin-level", type=_count, metavar="N", help="OSM level of the cities")
    new.add_argument("--core", metavar="NAME", help="the core city (default the most populous)")
    new.add_argument("--title", metavar="TEXT", help="the metro's name (default the file's)")
    new.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    new.add_argument("--data", default="data", metavar="DIR", help="where downloads are kept")

    sample = _verb(verbs, "sample", _sample, "write the embedded synthetic sample and its truth")
    sample.add_argument("metro", nargs="?", default=DEFAULT_METRO, metavar="METRO")
    sample.add_argument("--nodes", type=_count, default=200_000, metavar="N", help="road nodes")
    sample.add_argument("--seed", type=_count, default=0, metavar="N")
    sample.add_argument("--out", metavar="FILE", help="default DATA/raw/<metro>.sample.osm.pbf")
    sample.add_argument("--data", default="data", metavar="DIR")
    sample.add_argument("--set", action="append", default=[], metavar="key=value", dest="overrides")

    scenario = _verb(verbs, "scenario", _scenario, "measure all as if missing links were open")
    scenario.add_argument("metro", metavar="METRO")
    scenario.add_argument(
        "--build",
        nargs="+",
        action="extend",
        required=True,
        metavar="LINK",
        help="ids of missing links, or all",
    )
    scenario.add_argument("--name", help="of its folder and page; made from the links otherwise")
    scenario.add_argument("--data", default="data", metavar="DIR")
    scenario.add_argument("--maps", default="maps", metavar="DIR")
    _add_workers(scenario)
    scenario.add_argument("--quiet", action="store_true", help="print failures only")

    compare = _verb(verbs, "compare", _compare, "two finished runs of one metro side by side")
    compare.add_argument("before", metavar="DIR_A", help="the earlier DATA/processed/<metro>")
    compare.add_argument("after", metavar="DIR_B", help="the later one")
    compare.add_argument("--names", nargs=2, metavar=("A", "B"), help="default: their OSM dates")
    compare.add_argument(
        "--quick", action="store_true", help="leave out what newly mapped roads do to the figures"
    )
    compare.add_argument("--maps", default="maps", metavar="DIR")
    _add_workers(compare)
    compare.add_argument("--quiet", action="store_true", help="print failures only")

    export = _verb(verbs, "export", _export, "write the layers as gpkg, xlsx, csv or graphml")
    export.add_argument("metro", nargs="?", default=DEFAULT_METRO, metavar="METRO")
    export.add_argument("--format", required=True, help="gpkg, xlsx, csv or graphml")
    export.add_argument("--crs", help="EPSG:4490 ..., or cgcs2000: the metro's 3-degree zone")
    export.add_argument("--scenario", metavar="NAME", help="of this scenario, not of the base")
    export.add_argument("--layers", nargs="+", metavar="LAYER", help="only these")
    export.add_argument(
        "--out", metavar="FILE", help="default DATA/processed/<metro>/exports/<metro>.<format>"
    )
    export.add_argument("--data", default="data", metavar="DIR")
    return parser


def _verb(verbs: Any, name: str, func: Callable[..., int], help_text: str) -> Any:
    verb = verbs.add_parser(name, help=help_text, description=help_text)
    verb.add_argument(
        "--debug", action="store_true", help="show tracebacks", default=argparse.SUPPRESS
    )
    verb.set_defaults(verb=func)
    return verb


def _add_source(verb: Any) -> None:
    verb.add_argument(
        "--source",
        default="auto",
        metavar="SOURCE",
        help="auto, pbf, geofabrik, overpass, vector or sample",
    )
    verb.add_argument(
        "--osm", nargs="+", action="extend", default=[], metavar="FILE", help=".osm.pbf extracts"
    )
    verb.add_argument("--data", default="data", metavar="DIR", help="holds raw/ and processed/")
    verb.add_argument("--maps", default="maps", metavar="DIR", help="the pages")
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="section.key=value",
        dest="overrides",
        help="a stage's parameter; may be repeated",
    )
    verb.add_argument("--quiet", action="store_true", help="print failures only")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


# --- verbs --------------------------------------------------------------------


def _run(options: argparse.Namespace) -> int:
    metros = _load_metros(options.metros, options.overrides)
    from pipeline.flow import runner, store
    from pipeline.flow.plan import needed_for
    from pipeline.sources.resolve import resolve_source

    _check_run_options(options)
    paths = _paths_of(options)
    code = OK
    outcomes = []
    with ExitStack() as stack:
        executor: Any = None

        def get_executor() -> Any:
            # Started by the first stage that has to run: a fresh metro needs no workers.
            nonlocal executor
            if executor is None:
                executor = stack.enter_context(_connect(options))
                say(f"running on {executor.description}", options.quiet)
            return executor

        for number, metro in enumerate(metros):
            say(f"{metro.name or metro.id} ({metro.id})", options.quiet)
            try:
                # Held from here on: two first runs would both fetch or make the source.
                with store.locked(paths.lock(metro.id), f"metro {metro.id}"):
                    source = resolve_source(
                        metro,
                        paths,
                        options.source,
                        tuple(options.osm),
                        lambda t: say(t, options.quiet),
                        watch=lambda name: show_download(name, options.quiet),
                    )
                    stages = len(needed_for(options.until))
                    with RunDisplay(metro.id, stages, options.quiet) as display:
                        outcome = runner.MetroRun(
                            metro,
                            source,
                            paths,
                            get_executor,
                            options.until,
                            options.force,
                            display.report,
                        ).run()
            except ClusterError as error:
                _tell(error, options.debug, metro.id)
                code = max(code, error.exit_code)
                if left := [each.id for each in metros[number + 1 :]]:
                    say(f"not run: {', '.join(left)}", options.quiet)
                break
            except (PipelineError, OSError) as error:
                _tell(error, options.debug, metro.id)
                code = max(code, getattr(error, "exit_code", FAILED))
                continue
            outcomes.append(outcome)
            code = max(code, _summarise(outcome, source, paths, options))
        index = runner.write_index(paths)
    for metro_id in [o.metro for o in outcomes if not o.failed and options.until is None]:
        say(f"map: {_shown(paths.page(f'{metro_id}.html'))}", options.quiet)
    if index is not None:
        say(f"index: {_shown(index)}", options.quiet)
    return code


def _summarise(outcome: Any, source: Any, paths: Any, options: argparse.Namespace) -> int:
    for stages, error in _reasons(outcome.failed):
        _tell(error, options.debug, f"{outcome.metro}, stage {stages}")
    facts = outcome.facts
    for note in facts.get("notes", []):
        say(f"  note: {note}", options.quiet)
    if facts.get("is_synthetic"):
        say("  the roads are SYNTHETIC (the embedded sample), as every page says", options.quiet)
    done = f"{len(outcome.ran)} stages ran, {len(outcome.fresh)} were fresh"
    if outcome.failed:
        lost = f"{len(outcome.failed)} failed, {len(outcome.skipped)} were skipped"
        say(f"{outcome.metro}: {done}, {lost} ({outcome.seconds:.1f} s)", options.quiet)
        return max(getattr(error, "exit_code", FAILED) for error in outcome.failed.values())
    if not outcome.ran:
        done = f"nothing to do, all {len(outcome.fresh)} stages are fresh"
    origin = "embedded sample" if source.kind == "sample" else source.kind
    say(
        f"{outcome.metro}: {done} (source: {origin}, OSM data of "
        f"{facts.get('osm_snapshot') or 'unknown date'}, {outcome.seconds:.1f} s)",
        options.quiet,
    )
    return OK


def _reasons(failed: dict[str, Exception]) -> list[tuple[str, Exception]]:
    """Failed stages and why; those that found no room to write are one line."""
    full = [stage for stage, error in failed.items() if isinstance(error, DiskFullError)]
    told = [(stage, error) for stage, error in failed.items() if stage not in full]
    return told + ([(", ".join(full), failed[full[0]])] if full else [])


def _metros(options: argparse.Namespace) -> int:
    for metro_id in known_metros():
        metro = load_metro(metro_id)
        cities = ", ".join(city.name for city in metro.analysed_cities)
        scopes = " ".join(f"[{s}]" if s == metro.scope else s for s in metro.scopes)
        say(f"{metro.id:12} {metro.name}  scopes {scopes}\n{'':12} {cities}")
    return OK


def _stages(options: argparse.Namespace) -> int:
    from pipeline.flow.stages import STAGES

    for stage in STAGES:
        split = ""
        if stage.split is not None:
            by = stage.split.column or f"{stage.split.layer} in batches"
            split = f"  [one task per {by}]" if stage.split.column else f"  [{by}]"
        say(f"{stage.name}{split}")
        say(f"    takes {', '.join(stage.inputs) or 'the source'}")
        say(f"    makes {', '.join(stage.outputs) or 'pages'}")
    return OK


def _status(options: argparse.Namespace) -> int:
    (metro,) = _load_metros([options.metro], options.overrides)
    from pipeline.flow import runner
    from pipeline.sources.resolve import resolve_source

    paths = _paths_of(options)
    source = resolve_source(
        metro,
        paths,
        options.source,
        tuple(options.osm),
        lambda t: say(t, options.quiet),
        is_fetching=False,
    )
    for standing in runner.standings(metro, source, paths):
        say(f"{standing.state:8} {standing.stage:16} {standing.why}")
    return OK


def _new_metro(options: argparse.Namespace) -> int:
    from pipeline import new_metro
    from pipeline.sources.resolve import fetch_extracts
    from pipeline.storage.paths import Paths

    target = Path(options.file)
    faults = []
    if target.suffix != ".toml":
        faults.append(f"{target}: expected a file name ending in .toml")
    if target.exists() and not options.overwrite:
        faults.append(f"{target} is there already; give --overwrite to replace it")
    if options.osm and options.geofabrik:
        faults.append("--osm and --geofabrik: give one of the two")
    if options.admin_level is not None and not 2 <= options.admin_level <= 11:
        faults.append(f"--admin-level {options.admin_level}: expected 2 to 11")
    if not (options.osm or options.geofabrik or options.cities):
        faults.append("give extracts (--osm or --geofabrik), or names (--cities)")
    if faults:
        raise ConfigError("new-metro", faults)
    wish = new_metro.Wish(tuple(options.cities), options.admin_level, options.core, options.title)
    files = [Path(each) for each in options.osm]
    origin = new_metro.Origin(tuple(files), tuple(options.geofabrik))
    if options.geofabrik:
        files = fetch_extracts(
            options.geofabrik,
            Paths.of(options.data, "maps"),
            say,
            show_download,
            is_needed=not options.cities,
        )
    if files:
        said = new_metro.from_extract(target, files, origin, wish)
    else:
        said = new_metro.from_names(target, origin, wish)
    for line in said:
        say(f"  note: {line}")
    say(f"{target}: written; run it with: python -m pipeline run {target}")
    return OK


def _sample(options: argparse.Namespace) -> int:
    (metro,) = _load_metros([options.metro], options.overrides)
    from pipeline.sample.write import write_sample
    from pipeline.storage.paths import Paths

    if options.out and (Path(options.out).is_dir() or not options.out.endswith(".osm.pbf")):
        raise ConfigError(f"--out {options.out}: expected a file name ending in .osm.pbf")
    target = Path(options.out) if options.out else Paths.of(options.data, "maps").sample(metro.id)
    target.parent.mkdir(parents=True, exist_ok=True)
    report = write_sample(metro, target, nodes=options.nodes, seed=options.seed)
    say(f"{report.path}: {report.road_nodes:,} road nodes, {report.seconds:.1f} s; SYNTHETIC ROADS")
    say(f"{report.truth_path}: what was planted")
    return OK


def _scenario(options: argparse.Namespace) -> int:
    from pipeline.scenario import run as scenario

    metro_id = metro_id_of(options.metro)
    with ExitStack() as stack:
        get_executor = _lazily(lambda: stack.enter_context(_connect(options)))

        stages = len(scenario.measured_stages())
        with RunDisplay(metro_id, stages, options.quiet) as display:
            done = scenario.run_scenario(
                metro_id,
                _paths_of(options),
                options.build,
                options.name,
                get_executor,
                display.report,
            )
    for stage, error in done.outcome.failed.items():
        _tell(error, options.debug, f"{metro_id}, scenario {done.name}, stage {stage}")
    if done.outcome.failed:
        return FAILED
    ran, fresh = len(done.outcome.ran), len(done.outcome.fresh)
    say(
        f"scenario {done.name}: {len(done.links)} links built, {ran} stages ran, {fresh} were fresh"
        f" ({done.outcome.seconds:.1f} s)",
        options.quiet,
    )
    say(f"layers: {_shown(done.folder)}", options.quiet)
    say(f"page: {_shown(done.page or '')}", options.quiet)
    return OK


def _compare(options: argparse.Namespace) -> int:
    from pipeline.compare.run import run_compare
    from pipeline.scenario import run as scenario
    from pipeline.storage.files import check_root

    check_root(options.before, "DIR_A")
    check_root(options.after, "DIR_B")
    check_root(options.maps, "--maps")
    with ExitStack() as stack:
        get_executor = _lazily(lambda: stack.enter_context(_connect(options)))

        with RunDisplay("compare", len(scenario.measured_stages()), options.quiet) as display:
            done = run_compare(
                options.before,
                options.after,
                options.maps,
                tuple(options.names) if options.names else None,
                None if options.quick else get_executor,
                display.report,
            )
    for note in done.notes:
        say(f"note: {note}", options.quiet)
    say(", ".join(f"{n} {what}" for what, n in done.counts.items()), options.quiet)
    say(f"tables: {_shown(done.folder)}, {_shown(done.workbook)}", options.quiet)
    say(f"page: {_shown(done.page)}", options.quiet)
    return OK


def _export(options: argparse.Namespace) -> int:
    from pipeline.exports.export import run_export
    from pipeline.storage.files import check_root

    check_root(options.data, "--data")
    check_root(options.out or "", "--out")
    options.metro = metro_id_of(options.metro)
    run_export(options, say)
    return OK


# --- helpers ------------------------------------------------------------------


def _paths_of(options: argparse.Namespace) -> Any:
    from pipeline.storage.files import check_root
    from pipeline.storage.paths import Paths

    check_root(options.data, "--data")
    check_root(options.maps, "--maps")
    return Paths.of(options.data, options.maps)


def _connect(options: argparse.Namespace) -> Any:
    from pipeline.flow import cluster

    return cluster.connect(options.scheduler, options.workers, options.memory_limit)


def _add_workers(verb: Any) -> None:
    for flag, metavar, kind, told in (
        ("--scheduler", "ADDRESS", str, "of a running Dask scheduler"),
        ("--workers", "N", _count, "worker processes (default one per core; 0: none, in this one)"),
        ("--memory-limit", "SIZE", str, "of a worker process (4GiB): one that passes it is ended"),
    ):
        verb.add_argument(flag, metavar=metavar, type=kind, help=told)


def _lazily(start: Callable[[], Any]) -> Callable[[], Any]:
    """What ``start`` gives, started by the first call: all that is fresh needs no workers."""
    started: list[Any] = []

    def get() -> Any:
        if not started:
            started.append(start())
        return started[0]

    return get


def _load_metros(names: Sequence[str], overrides: list[str]) -> list[Metro]:
    wanted: list[str] = []
    for name in names:
        wanted += known_metros() if name == "all" else [name]
    metros, faults = [], []
    for name in dict.fromkeys(wanted):
        try:
            metros.append(load_metro(name, overrides))
        except ConfigError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise ConfigError("metros", [str(fault) for fault in faults])
    ids = [metro.id for metro in metros]
    doubles = sorted({each for each in ids if ids.count(each) > 1})
    if doubles:
        raise ConfigError(f"two metro files have the id {', '.join(doubles)}; ids must differ")
    return metros


def _check_run_options(options: argparse.Namespace) -> None:
    from pipeline.flow.plan import needed_for
    from pipeline.flow.stages import STAGES
    from pipeline.sources.resolve import KINDS

    names = [stage.name for stage in STAGES]
    faults = [
        f"{flag} {name!r}: no such stage; expected one of {', '.join(names)}"
        for flag, given in (("--until", options.until or []), ("--force", options.force))
        for name in given
        if name not in names
    ]
    needed = {stage.name for stage in needed_for(options.until)} if not faults else set(names)
    faults += [
        f"--force {name}: --until {' '.join(options.until or [])} does not run it"
        for name in options.force
        if name in names and name not in needed
    ]
    if options.source not in KINDS:
        faults.append(f"--source {options.source!r}: expected one of {', '.join(KINDS)}")
    if faults:
        raise ConfigError("command line", faults)


def _tell(error: BaseException, debug: bool, where: str = "") -> None:
    if debug:
        traceback.print_exception(error)
    text = str(error) if isinstance(error, PipelineError) else f"{type(error).__name__}: {error}"
    if not isinstance(error, PipelineError) and not debug:
        text += " (run with --debug for the traceback)"
    complain(f"{where}: {text}" if where else text)


def _shown(path: str) -> str:
    """A path relative to the working directory where it lies inside."""
    if "://" in path:
        return path
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
