"""A cell to play with: move a slider, and the model answers at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np

from experiment.fleet.forecast import forecast
from experiment.fleet.sentences import in_money, in_time, what_binds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiment.fleet.question import Question

_ELEMENTS = 40_000  # executions of all draws: an answer in a tenth of a second
_MOST_DRAWS, _LEAST_DRAWS, _BINDS_DRAWS = 200, 20, 2
_STEPS = {  # of the sliders, beside the question's own values
    "files": (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000),
    "file_kb": (1, 10, 30, 100, 300, 1_000, 1_700, 5_000, 20_000, 100_000),
    "concurrency": (10, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000),
    "connections": (1, 5, 10, 20, 50, 100, 200, 480),
    "shards_per_execution": (1, 2, 4, 8, 16),
    "memory_mb": (128, 256, 512, 1_024, 1_769, 3_008, 5_120, 10_240),
}


class YourNumbers:
    """
    Sliders beside the model's answer; without a browser, the answer alone.

    Args:
        question: What the sliders begin with.

    Attributes:
        sliders: By name.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self.sliders = {
            name: _slider(name, getattr(question, name, _file_kb(question)))
            for name in _STEPS
        }
        self._answer = ipywidgets.HTML()
        for slider in self.sliders.values():
            slider.observe(self._show, "value")
        self._show()

    @property
    def said(self) -> str:
        """The answer that is shown."""
        return str(self._answer.value)

    def _show(self, _change: object = None) -> None:
        values = {name: slider.value for name, slider in self.sliders.items()}
        self._answer.value = answer(with_values(self._question, values))

    def _repr_mimebundle_(self, **options: object) -> Mapping[str, object]:
        """Return what JupyterLab shows, and text for whoever shows no sliders."""
        box = ipywidgets.HBox(
            [ipywidgets.VBox(list(self.sliders.values())), self._answer]
        )
        bundle = box._repr_mimebundle_(**options)
        text = {"text/html": self.said, "text/plain": self.said.replace("<br>", "\n")}
        return dict(bundle) | text


def with_values(question: Question, values: Mapping[str, Any]) -> Question:
    """Return a question with other values; another `file_kb` makes all files alike."""
    values = dict(values)
    file_kb = values.pop("file_kb")
    if file_kb != _file_kb(question):
        question = replace(question, sizes_bytes=(file_kb * 1_000.0,))
    return replace(question, **values)


def answer(question: Question) -> str:
    """Return time, dollars and what binds, from a few draws of the same model."""
    draws = int(np.clip(_ELEMENTS / question.executions, _LEAST_DRAWS, _MOST_DRAWS))
    made = forecast(question, draws)
    binds = what_binds(question, _BINDS_DRAWS)
    return "<br>".join(
        (in_time(made.time), in_money(made.cost), f"bottleneck: {binds}")
    )


def _file_kb(question: Question) -> int:
    return max(1, round(question.mean_bytes / 1_000))


def _slider(name: str, value: int) -> ipywidgets.SelectionSlider:
    steps = sorted({*_STEPS[name], value})
    return ipywidgets.SelectionSlider(
        options=[(f"{step:,}", step) for step in steps],
        value=value,
        description=name,
        style={"description_width": "12em"},
        continuous_update=False,
    )
