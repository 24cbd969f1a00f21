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
MANY = 0.2  # of the files on one exercise, and more than five: a run that so many share is everybody's


def pairs(graded):
    """Sentences on the pairs of files that are alike, the most alike first."""
    found = []
    for number in sorted({each.number for each in graded if each.number is not None}):
        files = [each for each in graded if each.number == number and each.text]
        runs = [runs_of(each.text) for each in files]
        known = runs_of(stubs.write(number)) | runs_of(stubs.write(number, solved=True))
        count = Counter(run for each in runs for run in each)
        known |= {run for run, times in count.items() if times > max(5, MANY * len(files))}
        own = [each - known for each in runs]
        holders = {}
        for place, each in enumerate(own):
            for run in each if len(each) >= FEWEST else ():
                holders.setdefault(run, []).append(place)
        shared = Counter((a, b) for each in holders.values() for a in each for b in each if a < b)
        for (a, b), times in shared.items():
            part = times / min(len(own[a]), len(own[b]))
            if part >= LIKE and (files[a].student != files[b].student or not files[a].student):
                both = f"{visible(files[a].path)} and {visible(files[b].path)}"
                found.append((part, f"{both}: {100 * part:.0f} % of what is their own"))
    return [sentence for _, sentence in sorted(found, reverse=True)]


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
