"""What is told of graded files: lines, a table, and pages."""

import csv
import html
import re
import sys

from lessons.exercises import reading, stubs
from lessons.exercises.tasks import EXERCISES
from minisiamese.errors import BadInput

MARK = '<meta name="generator" content="minisiamese.exercises">'
STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: 0.2rem 1rem 0.2rem 0; vertical-align: top; }
td.points { text-align: right; white-space: nowrap; } pre { white-space: pre-wrap; margin: 0 0 1rem; }
"""


class Table:
    """Comma-separated values on standard output, a row for each file as soon as it is graded."""

    def __init__(self):
        self.writer = csv.writer(sys.stdout)
        self.writer.writerow(["student", "file", "exercise", "points", "of", "tasks", "remarks"])

    def row(self, graded):
        tasks = " ".join(f"{key}={result.points}" for key, result in graded.tasks.items())
        number = "" if graded.number is None else graded.number
        points = ("", "") if graded.number is None else (graded.points, graded.of)
        row = [graded.student, reading.visible(graded.path), number, *points, tasks, remarks(graded)]
        formulas = "=", "+", "-", "@"  # which a spreadsheet would compute
        self.writer.writerow([f"'{cell}" if str(cell).startswith(formulas) else cell for cell in row])
        sys.stdout.flush()


def remarks(graded):
    """All that is said of a file, in one line."""
    said = [" ".join(graded.remark.split())] if graded.remark else []
    for key, result in graded.tasks.items():
        if result.lines:
            said.append(f"{key}: " + " ".join(" ".join(result.lines).split()))
        elif result.state not in ("right", "not tested"):
            said.append(f"{key}: {result.state}")
    return " | ".join(said)


def names_of(graded, task):
    """A task's functions, as the variant of a file has them."""
    names = ", ".join(task.names)
    for old, new in stubs.variant_of(graded.number, graded.variant).names.items():
        names = stubs.renamed(names, old, new)
    return names


def described(graded):
    """What a check has found, as lines for people."""
    if graded.number is None:
        return f"{reading.visible(graded.path)}: {graded.remark}"
    exercise = EXERCISES[graded.number]
    which = "" if graded.variant is None else f", variant {graded.variant}"
    lines = [f"{reading.visible(graded.path)}: exercise {graded.number}{which}, {exercise.title}"]
    for key, result in graded.tasks.items():
        task = exercise.tasks[key]
        names = names_of(graded, task)
        lines.append(f"  {key:<5}{names:<44}{result.points:>2} of {task.points}   {result.state}")
        lines += [f"       {line}" for text in result.lines for line in text.splitlines()]
    if graded.remark:
        lines.append(f"  {graded.remark}")
    lines.append(f"  {graded.points} of {graded.of} points")
    wrong = [key for key, result in graded.tasks.items() if result.state in ("wrong", "partly right")]
    if wrong:
        lines.append(f"  a hint: python -m lessons.exercises hint {wrong[0]}")
    return "\n".join(lines)


# --- pages ------------------------------------------------------------------------------------------------------------


def check_folder(folder):
    """BadInput if pages cannot be written into a folder, or would take the place of others."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pages = list(folder.glob("*.html"))
        foreign = [page for page in pages if MARK not in page.read_text(encoding="utf-8", errors="replace")]
        if not foreign:
            (folder / "index.html").write_text(_page("All answers", "<p>These are being graded."), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"--html {folder} cannot be written to ({error.strerror})") from None
    if foreign:
        raise BadInput(f"--html {folder} holds {foreign[0].name}, which is no page of a check: take another folder")


def write_pages(folder, graded, alike):
    """A page for each student, and ``index.html`` for the teacher: points, and answers that are alike."""
    files_of = {}
    for each in graded:
        files_of.setdefault(each.student or reading.visible(each.path.stem), []).append(each)
    names = {}
    for student in files_of:
        name = re.sub(r"[^\w.-]+", "_", student) or "student"
        while f"{name}.html" in names.values() or name == "index":
            name += "_"
        names[student] = f"{name}.html"
    rows = []
    for student, files in files_of.items():
        body = "".join(map(_section, files))
        (folder / names[student]).write_text(_page(student, body), encoding="utf-8")
        for each in files:
            points = f"{each.points} of {each.of}" if each.number is not None else "-"
            link = f'<a href="{html.escape(names[student])}">{html.escape(student)}</a>'
            file, remark = html.escape(reading.visible(each.path)), html.escape(_summary(each))
            rows.append(f'<tr><td>{link}<td>{file}<td class="points">{points}<td>{remark}')
    totals = "".join(
        f"<tr><td>{html.escape(student)}<td class='points'>{sum(each.points for each in files)} of "
        f"{sum(each.of for each in files)}"
        for student, files in files_of.items()
    )
    table = "<table><tr><th>student<th>file<th>points<th>remark" + "\n".join(["", *rows]) + "</table>"
    pairs = "".join(f"<li>{html.escape(pair)}" for pair in alike) or "<li>none"
    body = f"{table}<h2>All files together</h2><table><tr><th>student<th>points{totals}</table>"
    body += f"<h2>Answers that are alike</h2><ul>{pairs}</ul>"
    (folder / "index.html").write_text(_page("All answers", body), encoding="utf-8")


def _summary(graded):
    """What a file lacks, in a few words."""
    states = {}
    for key, result in graded.tasks.items():
        states.setdefault(result.state, []).append(key)
    said = [f"{', '.join(keys)} {state}" for state, keys in states.items() if state not in ("right", "not tested")]
    return "; ".join(filter(None, [graded.remark, *said]))


def _section(graded):
    """A file's part of its student's page."""
    if graded.number is None:
        return f"<h2>{html.escape(reading.visible(graded.path.name))}</h2><p>{html.escape(graded.remark)}"
    exercise = EXERCISES[graded.number]
    title = f"Exercise {graded.number}: {exercise.title}, {graded.points} of {graded.of} points"
    about = html.escape(": ".join(filter(None, (reading.visible(graded.path.name), graded.remark))))
    pieces = [f"<h2>{html.escape(title)}</h2><p>{about}<table>"]
    for key, result in graded.tasks.items():
        task, said = exercise.tasks[key], html.escape("\n".join(result.lines))
        pieces.append(
            f"<tr><td>{key}<td>{html.escape(names_of(graded, task))}"
            f'<td class="points">{result.points} of {task.points}<td>{result.state}'
            + (f'<tr><td><td colspan="3"><pre>{said}</pre>' if said else "")
        )
    return "\n".join([*pieces, "</table>"])


def _page(title, body):
    title = html.escape(title)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8">{MARK}\n'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>\n'
        f"<h1>{title}</h1>\n{body}\n</html>\n"
    )
