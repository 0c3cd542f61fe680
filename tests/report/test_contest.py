"""The first screen: its line, its sentences and the numbers of its figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from climate.params.sections import HypothesisParams
from climate.report.contest import PLANET, answers, contest_frame, headline
from climate.report.figures.contest import SKILLS, contest_figure
from climate.report.inputs import ReportInputs
from climate.report.numbers import hypotheses
from climate.verify.contest import choose_opponents
from tests.report.samples import BLOCKS, make_hypotheses, make_inputs

CELLS = ["climatology-trend", "trend-ar1", "ridge-planet", "lstm-planet"]
SAVED = {"climatology-trend": 0.0, "trend-ar1": 0.1, "ridge-planet": 0.2, "lstm-planet": 0.15}


def with_panel(inputs: ReportInputs) -> ReportInputs:
    """The sample run with a panel of three places and a planet."""
    blocks, skill = list(BLOCKS), xr.DataArray(list(SAVED.values()), coords={"model": CELLS})
    spread = xr.DataArray([-0.1, 0.0, 0.3], dims="series")
    crps = (1 - skill - spread.where(skill > 0.1, 0.0)).expand_dims(block=blocks)
    panel = xr.Dataset({"crps": crps}, attrs={"quantity": "temperature"})
    planet = xr.Dataset({"crps": (1 - skill).expand_dims(block=blocks).rename(model="forecaster")})
    params = inputs.params
    declared = HypothesisParams(
        quantity="temperature", better="ridge-planet", against="ridge-enso", block="1-12", places="panel"
    )
    score = params.score.model_copy(update={"hypotheses": {"one": declared}, "reference": "climatology-trend"})
    loss = xr.DataArray(
        np.broadcast_to(np.array([2.0, 1.0])[:, None, None], (2, len(blocks), 3)),
        coords={"model": CELLS[:2], "block": blocks},
        dims=("model", "block", "origin"),
    )
    opponents = choose_opponents({"globe": loss}, {"globe": "temperature"}, CELLS[:2], dict(BLOCKS))
    return replace(
        inputs,
        params=params.model_copy(update={"score": score}),
        opponents=opponents,
        panels={"panel": panel},
        planet=planet,
    )


@pytest.mark.parametrize(
    ("outcomes", "line"),
    [
        ({}, "More information is not shown to lower the forecast error; a neural network adds almost nothing"),
        (
            {"information": "better"},
            "Knowing the record's past and the state of ENSO lowers the forecast error 1 to 12 months ahead; a neural "
            "network adds almost nothing",
        ),
        (
            {"network": "better"},
            "More information is not shown to lower the forecast error; a neural network lowers",
        ),
        ({"network": "worse"}, "More information is not shown to lower the forecast error; a neural network raises"),
    ],
)
def test_headline_follows_the_outcomes(outcomes: dict[str, str], line: str) -> None:
    inputs = make_inputs(hypotheses=make_hypotheses(outcomes))
    assert headline(inputs, hypotheses(inputs)).startswith(line)


def test_without_hypotheses_the_title_stands(inputs: ReportInputs) -> None:
    assert headline(inputs, []) == inputs.title
    assert "No hypothesis was declared" in " ".join(answers(inputs, []))


def test_answers_give_size_and_range_and_what_was_not_tested() -> None:
    inputs = make_inputs(hypotheses=make_hypotheses({"information": "better", "co2-network": "worse"}))
    information, network = answers(inputs, hypotheses(inputs))[:2]
    assert "lowers the error by 10.0% 1 to 12 months ahead" in information
    assert "makes no significant difference 1 to 12 months ahead (+0.4%)" in network
    assert "raises the error by 8.0% 1 to 12 months ahead" in network
    assert "was not tested 1 to 12 months ahead (kiel was not scored)" in network


def test_panel_shows_its_quartiles_and_the_planet_its_mean(inputs: ReportInputs) -> None:
    frame = contest_frame(with_panel(inputs))
    assert frame["place"].iloc[-1] == PLANET
    rows = frame[frame["block"] == "1-12"].set_index(["place", "role"])
    panel, planet = rows.loc["panel"], rows.loc[PLANET]
    np.testing.assert_allclose(
        panel.loc["linear", ["lower_quartile", "skill", "upper_quartile"]].astype(float), [0.15, 0.2, 0.35]
    )
    np.testing.assert_allclose(planet["skill"].reindex(["opponent", "linear", "network"]), [0.1, 0.2, 0.15])
    assert panel.loc["opponent", "model"] == "trend-ar1"


def test_first_figure_names_every_place_and_keeps_marks_on_its_scale(inputs: ReportInputs) -> None:
    run = with_panel(inputs)
    drawing = contest_figure(run, hypotheses(run))
    assert drawing is not None
    assert "All cells of the planet" in drawing.alt
    for line in drawing.figure.axes[0].get_lines():
        shown = np.asarray(line.get_xdata(), dtype=float)
        assert ((shown >= SKILLS[0]) & (shown <= SKILLS[1])).all()


def test_values_off_the_scale_keep_clear_of_all_marks_on_any_screen(inputs: ReportInputs) -> None:
    run = with_panel(inputs)
    skill = xr.where(run.scores["model"] == "lstm-direct", -0.4, -0.06 + 0 * run.scores["skill"])
    run = replace(run, scores=run.scores.assign(skill=skill.transpose(*run.scores["skill"].dims)))
    drawing = contest_figure(run, hypotheses(run))
    assert drawing is not None
    assert drawing.phone is not None
    for figure in (drawing.figure, drawing.phone()):
        figure.canvas.draw()
        axes = figure.axes[0]
        assert axes.texts
        for text in axes.texts:
            box = text.get_window_extent()
            for line in axes.get_lines():
                if line.get_marker() == "None":
                    continue
                half = line.get_markersize() * figure.dpi / 72 / 2
                for x, y in axes.transData.transform(np.transpose(line.get_data()).astype(float)):
                    apart = x + half < box.x0 or x - half > box.x1 or y + half < box.y0 or y - half > box.y1
                    assert apart, (text.get_text(), line.get_label())
