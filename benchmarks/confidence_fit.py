"""The weights of ``confidence``: fitted to ends judged by hand and roads cut on purpose.

    python benchmarks/real_truth.py DATA --first-seed 30 --seeds 4 --findings FINDINGS.csv
    python benchmarks/confidence_fit.py FINDINGS.csv [--plot docs/calibration.svg]

What is fitted is the table of log odds in `ConfidenceParams`: that of an end whose factors are all
1, what each factor takes away, and what facing a through road or nothing takes away. Each weight
takes away or nothing, so that more evidence never lowers a confidence. A ridge holds weights near
none where few findings speak. Same findings, same weights: nothing is drawn at random.

Every end reported in a round of cuts is one row: true where a road was cut that the streets left
make a missing link of, false where it was judged so by hand; unclear ones and those that nobody
judged are left out and counted. False ends are reported again in every round of their extract, as
they would be beside any road that is missing.

*Calibration* is measured on areas left out of the fit, one after another: predicted against
found, in ten bins of equal numbers; ``error`` is their mean difference, by numbers of ends.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from pipeline.measures.border_roads.confidence import OWN_FACTORS

Floats = NDArray[np.float64]

FACTORS = (*OWN_FACTORS, "pairing")
KINDS = ("facing_road", "open_end")
RIDGE = 0.1
"""Weight of the squared log odds beside the log likelihood."""
BINS = 10
DECIMALS = 2
"""The parameters are written to so many."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("findings", type=Path)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    table = pd.read_csv(asked.findings)
    print(pd.crosstab(table["area"], table["verdict"].fillna("not judged")).to_string())
    rows = judged_rows(table)
    weights = fit(rows)
    for name, value in weights.items():
        print(f"{name} = {value}")
    bins = calibration(rows, left_out(rows))
    print(bins.to_string())
    print(f"error over areas left out: {error_of(bins):.3f}")
    print(f"error of the fit itself: {error_of(calibration(rows, predict(rows, weights))):.3f}")
    if asked.plot:
        draw(bins, asked.plot)


def judged_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The findings that are true or false, in an order that does not depend on the file's."""
    rows = table[table["verdict"].isin(["true", "false", True, False]).to_numpy(bool)]
    is_true = rows["verdict"].astype(str).str.lower() == "true"
    return rows.assign(is_true=is_true.to_numpy(bool)).sort_values(
        ["area", "seed", "node_id"], ignore_index=True
    )


def evidence(rows: pd.DataFrame) -> Floats:
    """What takes away from the log odds of each row: 1 less each factor, and its kind.

    An end that faces nothing has no pairing: only its kind tells.
    """
    lost = [1.0 - rows[name].fillna(1.0).to_numpy(float) for name in FACTORS]
    kind = [(rows["kind"] == name).to_numpy(float) for name in KINDS]
    return np.column_stack([*lost, *kind])


def fit(rows: pd.DataFrame) -> dict[str, float]:
    """The parameters of `ConfidenceParams` that make the findings likeliest."""
    lost, is_true = evidence(rows), rows["is_true"].to_numpy(float)

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds = weights[0] - lost @ weights[1:]
        off = expit(odds) - is_true
        value = np.logaddexp(0.0, odds) - is_true * odds
        ridge = RIDGE * float(weights[1:] @ weights[1:])
        slope = np.concatenate([[off.sum()], -(lost.T @ off) + 2.0 * RIDGE * weights[1:]])
        return float(value.sum()) + ridge, slope

    start = np.zeros(1 + lost.shape[1])
    bounds = [(None, None)] + [(0.0, None)] * lost.shape[1]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B", tol=1e-12).x
    names = ["log_odds", *(f"weight_{name}" for name in FACTORS), *KINDS]
    signs = np.array([1.0] * (1 + len(FACTORS)) + [-1.0] * len(KINDS))
    # Adding zero makes of a negative zero a plain one.
    return {
        name: float(value) + 0.0
        for name, value in zip(names, np.round(signs * found, DECIMALS), strict=True)
    }


def predict(rows: pd.DataFrame, weights: dict[str, float]) -> Floats:
    """The confidence of each row."""
    taken = np.array(
        [weights[f"weight_{name}"] for name in FACTORS] + [-weights[name] for name in KINDS]
    )
    return np.asarray(expit(weights["log_odds"] - evidence(rows) @ taken))


def left_out(rows: pd.DataFrame) -> Floats:
    """The confidence of each row by a fit to the other areas."""
    found = np.full(len(rows), np.nan)
    area = rows["area"].to_numpy(object)
    for name in np.unique(area):
        own = area == name
        found[own] = predict(rows[own], fit(rows[~own]))
    return found


def calibration(rows: pd.DataFrame, predicted: Floats) -> pd.DataFrame:
    """Bins of equal numbers by prediction: ends, mean prediction, share found true."""
    order = np.lexsort((rows["node_id"].to_numpy(), predicted))
    at = np.array_split(order, BINS)
    is_true = rows["is_true"].to_numpy(float)
    return pd.DataFrame(
        {
            "ends": [len(each) for each in at],
            "predicted": [float(predicted[each].mean()) for each in at],
            "found": [float(is_true[each].mean()) for each in at],
        }
    )


def error_of(bins: pd.DataFrame) -> float:
    """Mean difference of predicted and found, by numbers of ends."""
    off = (bins["predicted"] - bins["found"]).abs()
    return float(np.average(off, weights=bins["ends"]))


def draw(bins: pd.DataFrame, path: Path) -> None:
    """Predicted against found as a drawing of plain shapes; areas of dots go by numbers."""
    side, margin = 320.0, 46.0

    def at(x: float, y: float) -> tuple[float, float]:
        return margin + side * x, margin / 2 + side * (1.0 - y)

    (x0, y0), (x1, y1) = at(0.0, 0.0), at(1.0, 1.0)
    parts = [
        f'<path d="M{x0},{y0} L{x1},{y1}" stroke="#999" stroke-dasharray="4 4"/>',
        f'<path d="M{x0},{y1} L{x0},{y0} L{x1},{y0}" fill="none" stroke="#333"/>',
    ]
    for tick in np.linspace(0.0, 1.0, 6):
        x, y = at(float(tick), float(tick))
        parts += [
            f'<text x="{x:.1f}" y="{y0 + 16:.1f}" text-anchor="middle">{tick:.1f}</text>',
            f'<text x="{x0 - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{tick:.1f}</text>',
        ]
    for each in bins.itertuples():
        x, y = at(each.predicted, each.found)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#01665e" fill-opacity=".7"/>')
    middle = margin + side / 2
    parts += [
        f'<text x="{middle}" y="{y0 + 34:.1f}" text-anchor="middle">confidence predicted</text>',
        f'<text transform="translate(12,{y0 - side / 2}) rotate(-90)" text-anchor="middle">'
        "share found true</text>",
    ]
    width, height = side + 1.5 * margin, side + 1.5 * margin
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="11">\n' + "\n".join(parts) + "\n</svg>\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
