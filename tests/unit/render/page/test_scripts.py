"""Modules joined into one script: order, names, what cannot be joined, and the page's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pipeline.render
from pipeline.render.page.scripts import (
    DOCUMENT_FOLDER,
    ScriptError,
    document_script,
    in_order,
    join_modules,
    module_sources,
    page_script,
    parse_module,
)
from pipeline.render.themes.registry import all_themes
from pipeline.render.themes.theme import Theme

RENDER = Path(pipeline.render.__file__).parent


def modules(**sources: str) -> dict[str, str]:
    """Modules ``page/js/<name>.js``."""
    return {f"page/js/{name}.js": text for name, text in sources.items()}


def test_a_module_stands_behind_those_that_it_imports() -> None:
    script = join_modules(
        modules(
            a='import { late } from "./z.js";\nlate();\n',
            z='import "./m.js";\nexport function late() {}\n',
            m="const ran = 1;\n",
        )
    )
    order = re.findall(r"^// page/js/(\w)", script, re.MULTILINE)
    assert order == ["m", "z", "a"]


def test_imports_and_exports_are_dropped_and_all_is_strict() -> None:
    script = join_modules(
        modules(
            a="export const one = 1;\nexport async function two() {}\nexport class Three {}\n",
            b='import {\n  one,\n  two,\n} from "./a.js";\nlet sum = one + two;\n',
        )
    )
    assert script.startswith('(function () {\n"use strict";\n')
    assert script.endswith("\n})();")
    assert "import" not in script and "export" not in script
    for line in ("const one = 1;", "async function two() {}", "class Three {}"):
        assert line in script.splitlines()


def test_comments_and_indentation_are_dropped_and_code_behind_a_comment_stays() -> None:
    text = (
        "/*\n * What belongs here.\n */\n"
        "/** One. @type {number} */\n"
        "export const one =\n"
        "  // a reason\n"
        '  /** @type {number} */ (parse("/* no comment */ // nor this"));\n'
    )
    module = parse_module("page/js/a.js", text)
    assert module.body == 'const one =\n(parse("/* no comment */ // nor this"));'
    assert module.names == ("one",)
    assert module.exports == {"one"}


def test_a_theme_imports_from_the_page() -> None:
    sources = {
        "themes/toy/panel.js": 'import { add } from "../../page/js/registry.js";\nadd("toy");\n',
        "page/js/registry.js": "export function add(key) {}\n",
    }
    parsed = {path: parse_module(path, text) for path, text in sources.items()}
    assert [module.path for module in in_order(parsed)] == [
        "page/js/registry.js",
        "themes/toy/panel.js",
    ]


def test_a_name_in_two_modules_is_an_error_that_names_both() -> None:
    with pytest.raises(ScriptError, match=r"page/js/a\.js and page/js/b\.js both declare draw"):
        join_modules(modules(a="function draw() {}\n", b="const draw = 1;\n"))


def test_a_circle_is_an_error_that_names_it() -> None:
    with pytest.raises(ScriptError, match=r"circle: page/js/b\.js -> page/js/c\.js -> page/js/b"):
        join_modules(
            modules(
                a='import "./b.js";\n',
                b='import "./c.js";\n',
                c='import "./b.js";\n',
            )
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('import { x } from "./none.js";\n', r"imports page/js/none\.js, which is not there"),
        ('import { x } from "./z.js";\n', r"imports x, which page/js/z\.js does not export"),
        ('import { y as x } from "./z.js";\n', "'y as x': a name is the same in all modules"),
        ('import * as z from "./z.js";\n', "cannot be joined"),
        ('import z from "./z.js";\n', "cannot be joined"),
        ("export default function f() {}\n", "cannot be joined"),
        ("function f() {}\nexport { f };\n", "cannot be joined"),
        ("const { a, b } = c;\n", "cannot be joined"),
        ("var a = 1;\n", "cannot be joined"),
        (
            "const a = `one\n  two`;\n",
            r"a\.js: a text in backquotes runs over several lines: const a",
        ),
        ('const end = "</script>";\n', "would end it in a page"),
        ('const end = "<!--";\n', "would end it in a page"),
    ],
)
def test_what_cannot_be_joined_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        join_modules(modules(a=text, z="export const y = 1;\nconst x = 2;\n"))


def own_sources() -> dict[str, str]:
    return module_sources(all_themes())


def test_every_script_beside_the_code_is_taken() -> None:
    there = {path.relative_to(RENDER).as_posix() for path in RENDER.rglob("*.js")}
    documents = {path for path in there if path.startswith(f"{DOCUMENT_FOLDER}/")}
    assert documents
    assert set(own_sources()) == there - documents
    assert document_script().count("// page/") == len(documents)
    assert {f"themes/{theme.key}/panel.js" for theme in all_themes()} <= there


def test_a_themes_scripts_are_found_by_being_in_its_folder(tmp_path: Path) -> None:
    text = (
        'import { registerTheme } from "../../page/js/registry.js";\nregisterTheme("toy", TOY);\n'
    )
    (tmp_path / "panel.js").write_text(text, encoding="utf-8")
    (tmp_path / "words.toml").write_text("", encoding="utf-8")
    sources = module_sources([*all_themes(), Theme("toy", tmp_path)])
    assert set(sources) - set(own_sources()) == {"themes/toy/panel.js"}
    assert 'registerTheme("toy", TOY);' in join_modules(sources).splitlines()


def test_the_pages_script_does_not_depend_on_the_order_of_files() -> None:
    sources = own_sources()
    turned = dict(reversed(sources.items()))
    assert join_modules(turned) == page_script()


def test_what_is_exported_is_imported_somewhere() -> None:
    parsed = [parse_module(path, text) for path, text in own_sources().items()]
    imported = {name for module in parsed for names in module.imports.values() for name in names}
    for_tests = {"crc32", "fileName", "unpackColumn", "unpackGeometry"}
    assert {name for module in parsed for name in module.exports} - imported == for_tests


def test_the_page_carries_no_documentation() -> None:
    lines = page_script().splitlines()
    assert not [line for line in lines if line.startswith(("/*", "*/")) or line != line.strip()]
    assert [line for line in lines if line.startswith("//")] == [
        f"// {module.path}"
        for module in in_order({p: parse_module(p, t) for p, t in own_sources().items()})
    ]
