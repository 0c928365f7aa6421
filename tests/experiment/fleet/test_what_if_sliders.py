"""Sliders beside the model's answer."""

from dataclasses import replace
from time import process_time

import pytest

from experiment.fleet.question import Question
from experiment.fleet.what_if_sliders import YourNumbers, answer

ASKED = Question(files=20_000, concurrency=130, sizes_bytes=(1e4, 5e4))


def test_a_slider_that_moves_changes_the_answer_and_only_that():
    yours = YourNumbers(ASKED)
    before = yours.said
    assert before == answer(ASKED)  # sizes of different files, too

    yours.sliders["concurrency"].value = 10
    assert yours.said == answer(replace(ASKED, concurrency=10)) != before
    yours.sliders["concurrency"].value = 130
    yours.sliders["file_kb"].value = 1_700
    assert yours.said == answer(replace(ASKED, sizes_bytes=(1.7e6,)))


def test_without_a_browser_the_answer_is_text():
    yours = YourNumbers(ASKED)
    text = yours._repr_mimebundle_()["text/plain"]

    assert text.splitlines() == yours.said.split("<br>")
    assert "in nine of ten draws" in text


@pytest.mark.soak
@pytest.mark.parametrize("concurrency", [10, 1_000, 10_000])
def test_an_answer_takes_less_than_a_third_of_a_second(concurrency):
    question = Question(concurrency=concurrency, shards_per_execution=8)
    answer(question)
    began = process_time()
    answer(question)

    assert process_time() - began < 0.3
