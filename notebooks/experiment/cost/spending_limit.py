"""What may not be spent is refused before anything is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout.errors import PreflightError
from rollout.price import in_dollars

if TYPE_CHECKING:
    from experiment.cost.price_estimate import Estimate
    from experiment.parameters.settings import DownloadSettings

_CENT = 0.01


class DryRun(Exception):  # noqa: N818 - no error
    """Nothing was deployed or invoked, as the settings ask."""

    def _render_traceback_(self) -> list[str]:
        """Return the text that a notebook shows, without a traceback."""
        return [str(self)]


def check(settings: DownloadSettings, *estimates: Estimate, spent: float = 0.0) -> None:
    """
    Stop before anything is deployed, if it may cost too much or is a dry run.

    What a run's pilots have spent counts, too.

    Raises:
        PreflightError: If it may cost more than the settings allow.

        DryRun: If the settings ask for no more than plan and price.
    """
    most = spent + sum(one.most.dollars for one in estimates if not one.is_local)
    if most > settings.max_cost_usd:
        remedy = "Measure fewer settings, fewer `repeats` or fewer `files`."
        if len(estimates) == 1:
            remedy = estimates[0].remedy
        msg = (
            f"This may cost {in_dollars(most)}, more than the "
            f"{in_dollars(settings.max_cost_usd)} of `max_cost_usd`. {remedy} Or set "
            f"`max_cost_usd` to {most + _CENT:.2f}."
        )
        raise PreflightError([msg])
    if settings.dry_run:
        msg = (
            "dry_run: nothing was deployed or invoked. Set dry_run to False to run it."
        )
        raise DryRun(msg)
