"""One outcome per URL, whatever the ledger holds, and in pieces of any size."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.recorded_invocations import (
    MANY,
    SENT_AT,
    TEXT,
    WHOLE,
    done,
    invocation,
    part,
    pick,
    table_of,
)

from experiment.run.unfinished_urls import not_final
from experiment.tables import outcome_merging
from experiment.tables.outcome_merging import AccountError
from fetcher.contract.download_results import Downloads
from fetcher.contract.outcome import Outcome
from fetcher.contract.template_source import Template

ENDS = st.none() | st.sampled_from(
    [outcome for outcome in Outcome if outcome is not Outcome.UNSTARTED]
).map(done)


@st.composite
def ledgers(draw):
    """
    Waves as a fan-out makes them, and what they tell of each URL.

    Each wave asks again for what is not final; some URLs nobody asks for. A host that
    answered 503 did so, even if nobody came to ask it again.
    """
    left, invocations = list(range(draw(st.integers(1, MANY)))), []
    told = dict.fromkeys(range(MANY), (Outcome.UNSTARTED.value, 0, "", 0))
    ended = set()
    for wave in range(draw(st.integers(1, 4))):
        cut = draw(st.integers(0, len(left)))
        again = []
        for shard, numbers in enumerate(filter(None, (left[:cut], left[cut:]))):
            ends = {
                number: (end := draw(ENDS))
                and end._replace(body_bytes=100 * wave + number)
                for number in numbers
            }
            error = draw(st.sampled_from(["", "", "it died"]))
            made = {"shard": shard, "wave": wave, "error": error}
            one = invocation(pick(WHOLE, numbers), [*ends.values()], **made)
            invocations.append(one)
            again += not_final(one).tolist()
            for number, end in ends.items():
                if end and not error:
                    ended.add(number)
                    told[number] = (end.outcome.value, wave, end.detail, end.body_bytes)
                elif number not in ended:
                    told[number] = (Outcome.UNSTARTED.value, wave, error, 0)
        left = sorted(again)
        if not left:
            break
    return draw(st.permutations(invocations)), list(told.values())


@given(ledgers(), st.sampled_from([1, 5, 100]))
def test_whatever_happened_each_url_has_one_row_of_the_last_wave_with_an_outcome(
    ledger, block_rows
):
    """
    Waves, lost executions, answers in any order, tables in pieces of any size: nothing
    is counted twice or lost.
    """
    invocations, told = ledger
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outcome_merging, "BLOCK", block_rows)
        table = table_of(invocations, WHOLE)

    assert table["number"].tolist() == list(range(MANY))
    columns = table[["outcome", "wave", "detail", "body_bytes"]]
    assert list(columns.itertuples(index=False, name=None)) == told


def test_a_row_says_everything_about_its_url():
    missing = done(Outcome.HTTP_STATUS, status=404, body_bytes=9, attempts=2)
    missing = missing._replace(content_type="text/html")
    ends = [done(), missing, *[done()] * 10]
    row = table_of([invocation(WHOLE, ends, shard=3)], WHOLE).iloc[1]

    assert row.drop(["seconds", "started_at"]).to_dict() == {
        "run": "a run",
        "target": "local",
        "file_kb": 10.0,
        "number": 1,
        "url": "http://127.0.0.1:1/1000/1.jpg",
        "outcome": "http_status",
        "status": 404,
        "body_bytes": 9,
        "attempts": 2,
        "content_type": "text/html",
        "found_type": "",
        "wave": 0,
        "shard": 3,
        "detail": "it ended http_status",
    }
    assert row["seconds"] == pytest.approx(0.01)
    assert row["started_at"] == pytest.approx(SENT_AT + 0.5 + 0.25 + 0.5)


def test_each_report_numbers_types_in_its_own_way():
    png, gif = done(found_type="image/png"), done(found_type="image/gif")
    first = invocation(pick(WHOLE, range(6)), [png, gif] * 3)
    second = invocation(pick(WHOLE, range(6, 12)), [gif, png] * 3, shard=1)
    table = table_of([first, second], WHOLE)

    expected = ["image/png", "image/gif"] * 3 + ["image/gif", "image/png"] * 3
    assert table["found_type"].tolist() == expected


def test_urls_of_a_lost_execution_never_began():
    lost = invocation(part(WHOLE, 6, 6), error="it died")
    table = table_of([invocation(part(WHOLE, 0, 6)), lost], WHOLE)

    assert table["started_at"].isna().tolist() == [False] * 6 + [True] * 6


def test_a_url_is_the_one_that_was_asked_for():
    """
    A run that goes on later finds our own origin at another port.
    """
    later = Template(TEXT.replace(":1/", ":2/"), ((4, 8),))
    table = table_of([invocation(part(WHOLE, 0, 4)), invocation(later, wave=1)], WHOLE)

    assert [url.split("/")[2] for url in table["url"]] == (
        ["127.0.0.1:1"] * 4 + ["127.0.0.1:2"] * 8
    )
    assert [url.rpartition("/")[2] for url in table["url"]] == [
        f"{number}.jpg" for number in range(MANY)
    ]


def test_a_url_has_the_remainders_that_it_was_asked_for_with():
    text = "s3://b-{number%3}/{number%12}/{number}/%d{number}.jpg"
    source = Template(text, ((0, 40),))
    table = table_of([invocation(source)], source)

    assert table["url"].tolist() == [item.url for item in source]


def test_a_report_that_miscounts_its_urls_is_noticed():
    whole = invocation(WHOLE)
    wrong = replace(whole.report, tally=Downloads(MANY).tally())

    with pytest.raises(AccountError, match="Shard 0 of wave 0 miscounts its URLs"):
        table_of([whole._replace(report=wrong)], WHOLE)
