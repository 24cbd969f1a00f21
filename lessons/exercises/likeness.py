"""Which answers of a class are alike, whatever their variables are called.

A file is the set of its runs of ``RUN`` tokens, without comments, docstrings and names of its own. What stands in the
stub or in the solution, or in many files of the class, says nothing; of what is left two files that were written
apart share little.
"""

import io
import keyword
import tokenize
from collections import Counter

from lessons.exercises import stubs
from lessons.exercises.reading import visible

RUN = 12  # tokens: some two lines
FEWEST = 40  # runs of its own that a file must have to be compared
LIKE = 0.6  # of the smaller file's
MANY = 0.3  # of the students, and more than ten: a run that so many have is everybody's


def groups(graded):
    """Sentences on groups of files that are alike, the most alike first."""
    found = []
    for number in sorted({each.number for each in graded if each.number is not None}):
        files = [each for each in graded if each.number == number and each.text]
        links = _links(number, files)
        group_of = {place: {place} for place in range(len(files))}
        for a, b in links:
            if group_of[a] is not group_of[b]:
                group_of[a] |= group_of[b]
                group_of |= dict.fromkeys(group_of[b], group_of[a])
        for group in {id(each): each for each in group_of.values() if len(each) > 1}.values():
            least = min(part for (a, _), part in links.items() if a in group)
            names = ", ".join(visible(files[place].path) for place in sorted(group))
            found.append((least, f"{names}: {100 * least:.0f} % or more of what is their own"))
    return [sentence for _, sentence in sorted(found, reverse=True)]


def _links(number, files):
    """{(a, b): the part of the smaller file's own runs that is in the other, too} of the pairs that are alike."""
    runs = [runs_of(each.text) for each in files]
    known = runs_of(stubs.write(number)) | runs_of(stubs.write(number, solved=True))
    writers = {}
    for each, its in zip(files, runs, strict=True):
        for run in its:
            writers.setdefault(run, set()).add(each.student or each.path)
    students = len({each.student or each.path for each in files})
    known |= {run for run, who in writers.items() if len(who) > max(10, MANY * students)}
    own = [each - known for each in runs]
    holders = {}
    for place, each in enumerate(own):
        for run in each if len(each) >= FEWEST else ():
            holders.setdefault(run, []).append(place)
    shared = Counter((a, b) for each in holders.values() for a in each for b in each if a < b)
    apart = {(a, b) for a, b in shared if files[a].student != files[b].student or not files[a].student}
    parts = {(a, b): shared[a, b] / min(len(own[a]), len(own[b])) for a, b in apart}
    return {pair: part for pair, part in parts.items() if part >= LIKE}


def runs_of(text):
    """The runs of tokens of a file, as hashes."""
    words, before = [], ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT):
                continue
            if token.type == tokenize.STRING and token.string.startswith(('"""', "'''", 'r"""')):
                continue
            own = token.type == tokenize.NAME and not keyword.iskeyword(token.string) and before != "."
            words.append("name" if own else token.string)
            before = token.string
    except (tokenize.TokenError, SyntaxError):
        pass  # a file that ends in the middle: what was read so far
    return {hash(tuple(words[place : place + RUN])) for place in range(len(words) - RUN + 1)}
