"""Small drawings of the key figures, to be compared with tests/baseline/.

`python -m tests.drawings` draws the baseline anew, after a wanted change: look at what git shows as different.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from climate.report.figures import contest, forecast, record, scores
from climate.report.figures.base import Drawing, develop
from climate.report.inputs import ReportInputs
from climate.report.numbers import hypotheses
from tests.report.samples import make_inputs

BASELINE = Path(__file__).parent / "baseline"
WIDTH, COLOURS = 576, 48

FIGURES: dict[str, Callable[[ReportInputs, str], Drawing | None]] = {
    "contest": lambda inputs, _: contest.contest_figure(inputs, hypotheses(inputs)),
    "record": record.record_figure,
    "hindcasts": forecast.hindcast_figure,
    "scores": scores.leads_figure,
}
"""Key figures by name, drawn for a region."""


def draw(name: str, inputs: ReportInputs, region: str, target: Path) -> Path:
    """Write one figure as a small PNG."""
    drawing = FIGURES[name](inputs, region)
    assert drawing is not None
    image = Image.open(io.BytesIO(develop(drawing).png)).convert("RGB")
    small = image.resize((WIDTH, round(image.height * WIDTH / image.width)), Image.Resampling.BOX)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    return target


if __name__ == "__main__":
    for name in FIGURES:
        print(draw(name, make_inputs(), "kiel", BASELINE / f"{name}.png"))
