"""Comments of scripts and style sheets: which are dropped, and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest

import pipeline
from pipeline.storage.comments import without_comments

RENDER = Path(pipeline.__file__).parent / "render"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a = 1; // why", "a = 1;"),
        ("a = 1; /* why */", "a = 1;"),
        ("a /* x */ = 1;", "a = 1;"),
        ("return /* x */ a;", "return a;"),
        ("return/**/a;", "return a;"),
        ("a = b /* 1\n2 */\nc()", "a = b\n\nc()"),
        ("const u = 'http://a.b'; // c", "const u = 'http://a.b';"),
        ('s = "/* no */ // nor this";', 's = "/* no */ // nor this";'),
        (r's = "\"// no";// yes', r's = "\"// no";'),
        ("s = `a // b ${c /* d */} /* e */`; // f", "s = `a // b ${c} /* e */`;"),
        ("s = `${`${a}//`}//` // x", "s = `${`${a}//`}//`"),
        ("s = `${{ a: 1 }.a}//`; // x", "s = `${{ a: 1 }.a}//`;"),
        ("r = /[/*]\\/\\/x/g; // y", "r = /[/*]\\/\\/x/g;"),
        ("x = a / b; // c / d", "x = a / b;"),
        ("x = (a) / 2 // c\n/ 3", "x = (a) / 2\n/ 3"),
        ('return /"/.test(a) // b', 'return /"/.test(a)'),
        ("f(/'/g, 1); // b", "f(/'/g, 1);"),
    ],
)
def test_scripts(text: str, left: str) -> None:
    assert without_comments(text, ".js").rstrip() == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a { top: 0; /* why */ }", "a { top: 0; }"),
        ("a { top: 0 } /* why\nso */\nb {}", "a { top: 0 }\n\nb {}"),
        ("a::before { content: '/* no */' } /* yes */", "a::before { content: '/* no */' }"),
        ("a { background: url(http://x/*.png) }/* y */", "a { background: url(http://x/*.png) }"),
        ("a { b: c } // not a comment here", "a { b: c } // not a comment here"),
    ],
)
def test_style_sheets(text: str, left: str) -> None:
    assert without_comments(text, ".css").rstrip() == left


def meaning(text: str, suffix: str) -> list[str]:
    lines = (line.strip() for line in without_comments(text, suffix).splitlines())
    return [line for line in lines if line]


@pytest.mark.parametrize("suffix", [".js", ".css"])
def test_a_comment_behind_any_line_of_the_pages_says_nothing(suffix: str) -> None:
    paths = sorted(RENDER.rglob(f"*{suffix}"))
    assert paths
    for path in paths:
        text = path.read_text("utf-8")
        plain = meaning(text, suffix)
        bare = "\n".join(plain)
        assert plain == meaning("\n".join(f"{line} /* it's why */" for line in plain), suffix), path
        if suffix == ".js":
            assert plain == meaning("\n".join(f"{line} // it's `why`" for line in plain), suffix)
        assert meaning(bare, suffix) == plain
        assert bare, path
