"""Run on a copy of the package with one more indicator: prints where it shows, as JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import mapped_metro

from pipeline.layers import LAYERS
from pipeline.render.page.encode import encode_layer
from pipeline.render.page.words import messages
from pipeline.render.themes.integration import packed

NAME = "toy_borders"


def main(docs: str) -> None:
    sys.path.insert(0, docs)
    spec = importlib.util.spec_from_file_location("make_docs", Path(docs) / "make_docs.py")
    make_docs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_docs)
    result = mapped_metro.run(mapped_metro.make_metro())
    rows = result["indicators"].query(f"indicator == '{NAME}'")
    payload = encode_layer(result["indicators"], packed.INDICATORS)
    index = result["integration_index"].query("dimension == 'coordination'")
    words = messages()
    print(
        json.dumps(
            {
                "values": rows["value"].tolist(),
                "scores": rows["score"].tolist(),
                "units": sorted(set(rows["unit"])),
                "index": index["score"].tolist(),
                "on_page": NAME in json.dumps(payload, default=str),
                "words": [words[each][f"indicator.{NAME}"] for each in ("zh", "en")],
                "unit_words": [words[each]["indicator_unit.toys"] for each in ("zh", "en")],
                "allowed": NAME in LAYERS["indicators"].columns[3].values,
                "dictionary": [NAME in make_docs.dictionary(), NAME in make_docs.dictionary_zh()],
                "index_page": [
                    line for line in make_docs.indicators().splitlines() if NAME in line
                ],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
