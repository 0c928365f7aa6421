"""The source of a case's fact: the text in its ``@pytest.mark.fact("...")``."""


def source_of(item):
    """
    Return the source that a case names.

    Args:
        item: The test, as pytest collected it.

    Raises:
        AssertionError: If it names none.
    """
    marker = item.get_closest_marker("fact")
    says = (
        f"{item.nodeid} claims a fact and names no source. Mark it, as in "
        '@pytest.mark.fact("LocalStack test_lambda_handler_error, recorded 2025-11").'
    )
    assert marker, says
    (source,) = marker.args or ("",)
    assert isinstance(source, str), says
    assert source.strip(), says
    return source
