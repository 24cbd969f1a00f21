"""The rows of each test as a table in Markdown, and of Lake's test as a picture."""

from matplotlib.figure import Figure

from minisiamese import plots
from minisiamese.plots import BASELINE, OURS
from minisiamese.studies.results.published import TESTS
from minisiamese.studies.results.rows import rows_of


def markdown(runs):
    """The tables, one for each test that a run has a result of.

    The interval of a mean over seeds is that of one run's trials, since all seeds are tested on the same trials.
    """
    lines = []
    for test, (title, _) in TESTS.items():
        rows = rows_of(test, runs)
        if not rows:
            continue
        lines += [f"**{title}**", ""]
        lines += ["| | accuracy | 95 % interval | seeds | minutes (threads) |", "|---|---|---|---|---|"]
        for row in rows:
            interval = "{:.1f} to {:.1f}".format(*(100 * end for end in row.interval)) if row.interval else ""
            seeds = ", ".join(f"{100 * each:.2f}" for each in row.seeds) if len(row.seeds) > 1 else ""
            times = ", ".join(row.times)
            lines.append(f"| {row.who} | {100 * row.accuracy:.2f} % | {interval} | {seeds} | {times} |")
        lines.append("")
    return "\n".join(lines)


def figure(runs, path):
    """Lake's test: every row as a point with its interval, ours in blue."""
    rows = rows_of("lake", runs)[::-1]
    picture = Figure(figsize=(13, 0.34 * len(rows) + 1), layout="constrained")
    picture.suptitle(TESTS["lake"][0])
    axes = picture.subplots()
    for place, row in enumerate(rows):
        color = OURS if row.seeds else BASELINE
        if row.interval:
            axes.plot([100 * end for end in row.interval], [place, place], color=color, linewidth=2)
        axes.plot(100 * row.accuracy, place, "o", color=color)
    axes.set(xlabel="accuracy (%)", xlim=(0, 100))
    axes.set_yticks(range(len(rows)), [row.who.replace("*", "").replace("`", "") for row in rows], fontsize=8)
    axes.grid(alpha=0.3, axis="x")
    plots.save(picture, path, dpi=100)
