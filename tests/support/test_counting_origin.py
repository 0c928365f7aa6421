"""The origin of the trials with kills, which `make test` does not run."""

import json
import urllib.request
from pathlib import Path

from tests.support import child_processes, counting_origin


def test_it_counts_how_often_each_file_was_asked_for():
    with child_processes.started(Path(counting_origin.__file__)) as (_, line):
        url = json.loads(line)["origin_url"]
        for number in (7, 7, 8):
            urllib.request.urlopen(f"{url}/1000/{number}.jpg").close()

        assert counting_origin.asked(url) == {7: 2, 8: 1}
