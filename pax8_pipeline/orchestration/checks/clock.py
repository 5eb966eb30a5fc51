"""The day of a run decides what has ended and which month is over. So it must be the vendors' day too."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pax8_pipeline.clock import compare, not_compared
from pax8_pipeline.extract.vendor_clocks import stored_clocks
from pax8_pipeline.orchestration.checks.check import Check, CheckContext, CheckOutcome
from pax8_pipeline.orchestration.checks.newest_plan import NO_PLAN, newest_plan

_QUERY = "SELECT * FROM meta.clocks WHERE run_id = '{run_id}' ORDER BY local_time"


def evaluate(context: CheckContext) -> CheckOutcome:
    """Find a vendor whose clock contradicts the day of the newest plan's run."""
    plan = newest_plan(context)
    if plan is None:
        return NO_PLAN
    zone = ZoneInfo(context.settings.policy.timezone)
    clocks, run = stored_clocks(context.connection, plan.run_id, zone)
    sentences, without_time = ([], list(clocks)) if run is None else compare(clocks, run)
    times = {v: f"{s.vendor_time:%Y-%m-%d %H:%M:%S} UTC" for v, s in clocks.items() if s is not None}
    query = _QUERY.format(run_id=plan.run_id)
    if sentences:
        blocks = context.may_write
        end = "Nothing is written." if blocks else "A run that writes would be held back."
        return CheckOutcome(f"{'; '.join(sentences)}. {end}", len(sentences), query=query, blocks=blocks, more=times)
    good = (
        f"the day {plan.today} is the vendors' day"
        if len(without_time) < len(clocks)
        else f"the day is taken as {plan.today}"
    )
    return CheckOutcome("; ".join(filter(None, (good, not_compared(without_time)))), query=query, more=times)


CHECKS = (
    Check(
        "clock",
        "billing.plan",
        "The day of the run is the day of both vendors (their Date headers), and this machine's clock is within ten "
        "minutes of theirs. A difference stops a run that would write.",
        evaluate,
        next_step="set the clock of this machine, or leave PAX8_PIPELINE_TODAY unset",
        blocking=True,
    ),
)
