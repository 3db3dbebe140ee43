"""The statistic of every benchmark: the median of per-round ratios.

Contestants run in random order inside each round, so that a slow minute of the machine hits them
all; a round's ratio compares what ran side by side. An A/A line (ours against ours) says how much
of a ratio is noise.
"""

import random
import statistics
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

ROUNDS = 15
Measure = Callable[[], Awaitable[float]]


@dataclass(frozen=True)
class Ratio:
    """One comparison.

    Attributes:
        name: what over what.
        median: of the per-round ratios.
        low: their 10th percentile.
        high: their 90th.
        goal: what is promised, ">= 0.6" or "<= 2.5"; "" when nothing is.
        first: median of the first contestant's own figure.
        second: the same of the second's.
        unit: of both.
    """

    name: str
    median: float
    low: float
    high: float
    goal: str = ""
    first: float = 0.0
    second: float = 0.0
    unit: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the median keeps the goal; None without one."""
        if not self.goal:
            return None
        sign, _, bound = self.goal.partition(" ")
        return self.median >= float(bound) if sign == ">=" else self.median <= float(bound)

    def row(self) -> str:
        """A line of the table."""
        verdict = {None: "", True: "holds", False: "MISSED"}[self.holds]
        figures = f"{self.first:.4g} / {self.second:.4g} {self.unit}" if self.unit else ""
        spread = f"{self.low:.3g}..{self.high:.3g}"
        return (
            f"| {self.name} | {self.median:.3g} | {spread} | {self.goal} | {verdict} | {figures} |"
        )


HEAD = "| what | median | p10..p90 | goal | | medians of each |\n|---|---|---|---|---|---|"


async def interleaved(
    contestants: Mapping[str, Measure], rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """One figure per contestant and round, in random order inside a round."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        order = list(contestants)
        random.shuffle(order)
        for name in order:
            found[name].append(await contestants[name]())
        print(f"  round {number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
    print(" " * 30, end="\r", file=sys.stderr)
    return found


def ratio(
    name: str, over: list[float], under: list[float], goal: str = "", unit: str = ""
) -> Ratio:
    """The per-round ratios of two series of figures."""
    ratios = [a / b for a, b in zip(over, under, strict=True)]
    cuts = [ratios[0]] * 9
    if len(ratios) > 1:
        cuts = statistics.quantiles(ratios, n=10, method="inclusive")
    return Ratio(
        name,
        statistics.median(ratios),
        cuts[0],
        cuts[-1],
        goal,
        statistics.median(over),
        statistics.median(under),
        unit,
    )


def figure(name: str, value: float, goal: str, unit: str) -> Ratio:
    """A figure that stands for itself, not a ratio: sizes and start-up times."""
    return Ratio(name, value, value, value, goal, value, 0, unit)
