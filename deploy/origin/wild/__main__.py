"""`python -m origin.wild`: the wild origin alone, or a check of what came from it."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
from contextlib import ExitStack
from pathlib import Path

from origin.server import HOST, OriginError, stop_event
from origin.wild.delivery_check import check
from origin.wild.server import listen_at, serve
from origin.wild.synthetic_web import Web

_EXIT_COULD_NOT_RUN = 2


def main() -> None:
    """Serve until SIGINT or SIGTERM, or check a folder and print what was found."""
    args = _parser().parse_args()
    try:
        web = Web(
            args.urls,
            args.hosts,
            seed=args.seed,
            shares=args.shares,
            delays=not args.no_delays,
        )
        if args.check:
            _print_check(args.check, web)
        else:
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            with ExitStack() as open_:
                asyncio.run(_serve(web, args, open_))
    except (OriginError, ValueError) as error:
        print(f"origin.wild: {error}", file=sys.stderr)
        sys.exit(_EXIT_COULD_NOT_RUN)


async def _serve(web: Web, args: argparse.Namespace, open_: ExitStack) -> None:
    stopped = stop_event(until_stdin_closes=args.until_stdin_closes)
    sockets = listen_at(web, open_)
    port = sockets[HOST].getsockname()[1]
    if args.list:
        args.list.write_text("".join(f"{line}\n" for line in web.lines(port)))
    await serve(web, sockets, open_)
    counts = f"http://{HOST}:{port}/counts"
    print(json.dumps({"port": port, "counts": counts}), flush=True)
    await stopped.wait()


def _print_check(folder: Path, web: Web) -> None:
    found = check(folder, web)
    good = {"good": len(found.good), "good_share": round(found.good_share, 5)}
    print(json.dumps({**good, "missing": found.missing, "junk": found.junk}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m origin.wild",
        description="Serve a list like those of the real web on loopback: thousands of "
        "hosts, a quarter of the URLs dead. The first line on stdout is JSON, with "
        "the port of all hosts and where requests by host are counted.",
    )
    for option, default, what in (
        ("--urls", 4_000, "URLs in the list"),
        ("--hosts", 1_133, "hosts"),
        ("--seed", 1, "another one, another list"),
    ):
        text = f"{what} (%(default)s)"
        parser.add_argument(option, type=int, default=default, metavar="N", help=text)
    parser.add_argument(
        "--shares",
        type=json.loads,
        metavar="JSON",
        help='shares of failure modes, such as {"limited": 1}; see origin.wild.fates',
    )
    parser.add_argument(
        "--no-delays", action="store_true", help="answer without the hosts' delays"
    )
    parser.add_argument("--list", type=Path, metavar="FILE", help="write the list here")
    parser.add_argument(
        "--check",
        type=Path,
        metavar="FOLDER",
        help="do not serve: compare the pictures in this folder with those of the "
        "same list, and print how many are good, missing and junk",
    )
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="also end when stdin, a pipe, closes",
    )
    return parser


if __name__ == "__main__":
    main()
