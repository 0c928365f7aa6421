"""Carried columns: those called like a report's own get other names, and no value."""

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fetcher.contract.carried_columns import OWN_NAMES, carried_fields, carried_name
from fetcher.contract.source import Item

NAMES = st.sampled_from(
    [*OWN_NAMES[:3], "list_url", "URL", "caption", 'a"url', "x\\", "{"]
)
TEXTS = st.sampled_from(["", "url", '"url": 1', '\\"url": ', '", "url": "', "{", "é"])
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner),
    max_leaves=4,
)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
@example({"url": {"url": 1}, "list_url": '"url": '})
@settings(max_examples=40)
def test_only_names_of_columns_are_changed(columns):
    """
    In most rows they are changed in the text, which nobody parses.
    """
    fields = carried_fields(Item(0, "http://h/", carried=json.dumps(columns)))
    expected = {carried_name(name): value for name, value in columns.items()}

    assert json.loads(f'{{"": 0{fields}}}') == {"": 0, **expected}
