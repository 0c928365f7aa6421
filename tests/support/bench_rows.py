"""Rows of a bench, made by hand."""

import pandas as pd

MACHINE = "2 × a processor, 24 GiB, Linux"


def runs(*rows):
    """
    Make what bench.csv holds, of rows with a program, files/s, CPU and what differs.
    """
    repeats = {}
    made = []
    for program, files_per_s, cpu_us_per_file, more in rows:
        row = {
            "target": "local",
            "machine": MACHINE,
            "scheme": "http",
            "file_bytes": 10_000,
            "files": 30_000,
            "connections": 100,
            "program": program,
            "version": "1.2",
            "ours": program.startswith("fetcher"),
            "origin": "nginx 1.22.1",
            "stored_in": "RAM",
            "started_at": 1.8e9,
            "files_per_s": float(files_per_s),
            "mb_per_s": files_per_s / 100,
            "cpu_us_per_file": float(cpu_us_per_file),
            "peak_rss_bytes": 20_000_000,
            "error": "",
            **more,
        }
        key = row["scheme"], row["file_bytes"], program
        repeats[key] = repeats.get(key, 0) + 1
        made.append({"repeat": repeats[key], **row})
    return pd.DataFrame(made)


def whole(schemes=("http", "https"), sizes=(10_000, 100_000, 1_700_000)):
    """Make a bench of two engines and two peers, three repeats of each."""
    speeds = {"fetcher (a)": 200, "fetcher (b)": 50, "curl -Z": 120, "wget2": 100}
    return runs(
        *(
            (
                program,
                speed * repeat / (1 + at),
                1e4 / speed * repeat * (1 + at),
                {"scheme": scheme, "file_bytes": size, "files": 3_000 // (at + 1)},
            )
            for scheme in schemes
            for at, size in enumerate(sizes)
            for repeat in (1, 2, 3)
            for program, speed in speeds.items()
        )
    )
