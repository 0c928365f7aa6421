"""Tables into charts, each with a title that says what was measured."""
