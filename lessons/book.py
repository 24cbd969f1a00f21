"""The book: a static site of the lessons, the reports and the code's docstrings, made of what lies here, and linked.

Nothing is run and nothing fetched: notebooks bring the outputs that they are stored with, and a MathJax that lies
beside the pages sets their formulas. ``make`` gathers the sources of the pages in a folder, and Sphinx turns them into
the site, with this module as one of its extensions.
"""

import ast
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

import minisiamese
from lessons.build import FOLDER, sources
from minisiamese.errors import BadInput

PACKAGE = Path(minisiamese.__file__).parent
LESSONS = sources()
MODULES = {  # by dotted name, without programs and empty files
    ".".join(("minisiamese", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__main__.py" and path.stat().st_size
}
SECTIONS = {  # of the paper
    "1": "Approach",
    "2": "Related work",
    "3": "Deep siamese networks for image verification",
    "3.1": "Model",
    "3.2": "Learning",
    "4": "Experiments",
    "4.1": "The Omniglot dataset",
    "4.2": "Verification",
    "4.3": "One-shot learning",
    "4.4": "MNIST one-shot trial",
}
PARTS = {  # of the course, with the number of the first lesson of each
    "I. The task and the network": 1,
    "II. Losses": 5,
    "III. Learning": 7,
    "IV. Measuring and choosing": 10,
    "V. Looking inside, and transfer": 13,
    "VI. Speed": 16,
}
MARK, EXTRA = "minisiamese-book.txt", "pip install -e '.[book]'"  # the names of a book's files, in the book
AROUND = ("course", "exercises", "paper", "notation", "project", "bibliography")
REPORTS = ("results", "recipe", "report000", "report001", "own_images")
SETTINGS = {
    "project": "minisiamese",
    "author": "the minisiamese developers",
    "html_show_copyright": False,
    "smartquotes": False,  # two hyphens are an option's
    "html_title": "minisiamese",
    "extensions": [
        *("myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx.ext.mathjax", "sphinx-mathjax-offline"),
        "lessons.book",
    ],
    "nb_execution_mode": "off",
    "nb_merge_streams": True,
    "myst_enable_extensions": ["dollarmath", "amsmath"],
    "html_theme": "sphinx_book_theme",
    "html_theme_options": {"navbar_persistent": [], "use_download_button": False},  # one field to search in is enough
    "html_static_path": ["_static"],
    "html_css_files": ["book.css"],
    "html_copy_source": False,
    "autodoc_member_order": "bysource",
    "autodoc_preserve_defaults": True,
    "autodoc_typehints": "none",
    "viewcode_follow_imported_members": False,
    "autodoc_mock_imports": ["cupy", "safetensors", "skimage", "sklearn", "torch"],  # extras, which need not be here
    "python_maximum_signature_line_length": 88,
}
# The lessons' code has lines of up to 120 characters: the page has room for 95, in letters that are not too small.
# The theme cuts off what stands out above a formula; long names may break anywhere on a narrow page.
STYLE = """
.bd-main .bd-content .bd-article-container { max-width: 64rem; }
.bd-content mjx-container { padding-top: 0.3em; }
.bd-content h1, .bd-content h2, .bd-content dt.sig, .bd-content code { overflow-wrap: anywhere; }
.bd-content details { margin-bottom: 1.15rem; }
.bd-content div.highlight pre, .bd-content .output pre { font-size: 0.8em; }
"""

# --- links ------------------------------------------------------------------------------------------------------------

AND = r"(?:, and |, | and | to )"
CITED = rf"(?<!\d{{4}}, )\b(?:[Ss]ection|[Ll]esson)s? (?:\d+(?:\.\d)?)(?:{AND}\d+(?:\.\d)?\b)*"
# what has no links in it: code, formulas, links, HTML, headings
KEPT = r"(```.*?```|\$\$.*?\$\$|`[^`]*`|\$[^$]*\$|!?\[[^\]]*\]\([^)]*\)|<[^>]*>|^#.*?$|^    .*?$)"


def cited(text):
    """The sections of the paper that a text names, as "section 3.1" or "sections 3.1, 3.2 and 4.2"."""
    found = " ".join(match for match in re.findall(CITED, text) if match.lower().startswith("section"))
    return [number for number in SECTIONS if number in re.findall(r"\d(?:\.\d)?", found)]


@cache
def imported(path):
    """The package's modules that a lesson imports."""
    nodes = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)]
    names = [(f"{n.module}.{each.name}", n.module) for n in nodes for each in n.names]  # a module, or what is in one
    return list(dict.fromkeys(inner if inner in MODULES else outer for inner, outer in names if outer in MODULES))


def code(name):
    """Markdown's link to the page of a module."""
    return f"[`{name.removeprefix('minisiamese.')}`](code/{name}.rst)"


def with_citations(text, lesson, section):
    """A text whose numbers of lessons and sections are replaced by lesson(words, path) and section(words, anchor)."""

    def link(match):
        def number(each):
            if match[0].lower().startswith("lesson"):
                path = LESSONS.get(int(each[1])) if each[1].isdigit() else None
                return lesson(each[0], path) if path else each[0]
            return section(each[0], anchor(each[1])) if each[1] in SECTIONS else each[0]

        return re.sub(r"(?:[A-Za-z]{4,} )?(\d+(?:\.\d)?)", number, match[0])

    return re.sub(CITED, link, text)


def anchor(section):
    return f"section-{section.replace('.', '-')}"


@cache
def linked(text):
    """Markdown whose "lesson 7", "section 3.1" and modules' names are links."""
    parts = re.split(KEPT, text, flags=re.DOTALL | re.MULTILINE)
    for place, part in enumerate(parts):
        if place % 2 == 0:
            parts[place] = with_citations(
                part, lambda words, path: f"[{words}]({path.stem}.ipynb)", lambda words, name: f"[{words}](#{name})"
            )
        elif named := re.fullmatch(r"`(?:lessons/)?((?:recipe|report00\d|own_images|course|project)\.md)`", part):
            parts[place] = f"[{part}]({named[1]})"
        elif named := re.fullmatch(r"`(minisiamese[\w./]*?)(?:\.py)?`", part):
            name = named[1].replace("/", ".")
            parts[place] = f"[{part}](code/{name}.rst)" if name in MODULES else part
    return "".join(parts)


# --- pages ------------------------------------------------------------------------------------------------------------


def lesson_page(path):
    """A lesson's notebook, with links, and with a line below its title that says where its code and exercise are."""
    import nbformat  # with the extra, as Sphinx

    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = linked(cell.source)
    uses = ", ".join(code(name) for name in imported(path))
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(f"Code: {uses}.", id="code"))
    return nbformat.writes(notebook)


def readme():
    """The parts of the lessons' README: their list, the exercises, and how to read the code beside the paper."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    lessons, _, rest = text.partition("## Exercises\n")
    exercises, _, reading = rest.partition("# Reading the code beside the paper\n")
    return lessons, f"# Exercises\n{exercises}", f"## Reading the code beside the paper\n{reading}"


def paper_page():
    """The paper section by section, with the lessons and the modules that name each."""
    text = [
        "# The paper, section by section",
        "Koch, G., Zemel, R. & Salakhutdinov, R. (2015). *Siamese Neural Networks for One-shot Image Recognition*. "
        "Deep Learning Workshop of the 32nd International Conference on Machine Learning.",
    ]
    heads = {number: path.read_text(encoding="utf-8").split("\n# %%")[0] for number, path in LESSONS.items()}
    for section, title in SECTIONS.items():
        told = ", ".join(f"[{n}]({LESSONS[n].stem}.ipynb)" for n, head in heads.items() if section in cited(head))
        used = ", ".join(code(n) for n, path in MODULES.items() if section in cited(path.read_text(encoding="utf-8")))
        text += [f"({anchor(section)})=\n{'#' * (2 + section.count('.'))} {section} {title}"]
        text += [f"Lessons: {told}."] * bool(told) + [f"Code: {used}."] * bool(used)
    return "\n\n".join([*text, linked(readme()[2])])


def code_page(name):
    """The docstrings of a module, and the lessons that import it."""
    users = [f":doc:`lesson {n} </{path.stem}>`" for n, path in LESSONS.items() if name in imported(path)]
    used = f"Used in {', '.join(users)}.\n\n" if users else ""
    title = name.removeprefix("minisiamese.")
    return f"{title}\n{'=' * len(title)}\n\n{used}.. automodule:: {name}\n   :members:\n"


def code_pages():
    """The modules with the first sentences of their docstrings, room by room."""
    text = ["# The code", "What lies flat in `minisiamese/` is the book; each folder is a workshop."]
    rooms = {}
    for name, path in MODULES.items():
        first = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).split("\n\n")[0].replace("\n", " ")
        rooms.setdefault(path.parent, []).append(f"| {code(name)} | {first.replace('|', chr(92) + '|')} |")
    for room, rows in rooms.items():
        title = room.relative_to(PACKAGE.parent).as_posix()
        text += [f"## {title}/", "\n".join(["| module | what it is |", "|---|---|", *rows])]
    return linked("\n\n".join(text)) + "\n\n" + contents("Modules", [f"code/{name}" for name in MODULES])


def contents(caption, pages):
    return "\n".join(["```{toctree}", f":caption: {caption}", ":hidden:", *pages, "```\n"])


def index_page():
    parts = list(PARTS.items())
    ends = [start for _, start in parts[1:]] + [max(LESSONS) + 1]
    text = readme()[0].replace("# Lessons", "# minisiamese", 1) + contents("The course", AROUND)
    for (caption, start), end in zip(parts, ends, strict=True):
        text += contents(caption, [path.stem for number, path in LESSONS.items() if start <= number < end])
    return linked(text) + contents("Results", REPORTS) + contents("Code", ["code"])


def results_page():
    told = "Source 003 is a worked example in MATLAB, slides 002 are of Smirnov (2019).\n"
    text = (FOLDER.parent / "README.md").read_text(encoding="utf-8").partition("## Results")[2]
    return f"# Results\n\n{told}{text.partition('<!-- end of results -->')[0]}"


def gather(folder):
    """Write the sources of all pages into a folder."""
    for name in ("code", "_static"):
        (folder / name).mkdir()
    pages = {"index.md": index_page(), "paper.md": paper_page(), "results.md": linked(results_page())}
    pages["exercises.md"] = linked(readme()[1])
    pages |= {path.with_suffix(".ipynb").name: lesson_page(path) for path in LESSONS.values()}
    for path in FOLDER.glob("*.md"):
        if path.stem != "README":
            pages[path.name] = linked(path.read_text(encoding="utf-8").replace("(README.md)", "(exercises.md)"))
    pages |= {f"code/{name}.rst": code_page(name) for name in MODULES}
    pages |= {"code.md": code_pages(), "_static/book.css": STYLE}
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    for pictures in (*FOLDER.glob("report*/"), FOLDER / "recipe"):
        shutil.copytree(pictures, folder / pictures.name)


# --- docstrings -------------------------------------------------------------------------------------------------------


def as_rst(docstring):
    """A docstring as reStructuredText: paragraphs and lists as they are written, indented paragraphs verbatim."""
    blocks = []
    for block in re.split(r"\n\s*\n", docstring.strip("\n")):
        if all(line.startswith("    ") for line in block.split("\n")):
            blocks.append("::\n\n" + block)
        else:
            parts = re.split(r"(``.*?``)", block, flags=re.DOTALL)
            parts[::2] = [re.sub(r"([\\*|`_])", r"\\\1", part) for part in parts[::2]]
            parts[::2] = [
                with_citations(
                    part,
                    lambda words, path: f":doc:`{words} </{path.stem}>`",
                    lambda words, name: f":ref:`{words} <{name}>`",
                )
                for part in parts[::2]
            ]
            parts[2::2] = [re.sub(r"^(?=\w)", r"\\ ", part) for part in parts[2::2]]  # ``Layer``s
            blocks.append("".join(parts))
    return "\n\n".join(blocks)


def setup(app):
    """Tell Sphinx how to read docstrings, and which modules' sources have a page."""

    def process(app, what, name, obj, options, lines):
        lines[:] = [*as_rst("\n".join(lines)).split("\n"), ""]

    def without_unreadable(app):
        """Viewcode lists the modules that it cannot parse (f-strings in annotations), too, and has no page of them."""
        modules = app.env._viewcode_modules
        for name in [name for name, entry in modules.items() if not entry]:
            del modules[name]
        return ()

    app.connect("autodoc-process-docstring", process)
    app.connect("html-collect-pages", without_unreadable, priority=400)  # before viewcode's own
    return {"parallel_read_safe": True}


# --- making -----------------------------------------------------------------------------------------------------------


def make(out):
    """Make the book in the folder ``out``; BadInput at a warning, or if that holds anything but an earlier book, whose
    pages make way for the new ones."""
    out = out.resolve()
    earlier = (out / MARK).read_text(encoding="utf-8").split("\n") if (out / MARK).is_file() else []
    there = files_of(out) if out.is_dir() else []
    if (out.exists() and not out.is_dir()) or not set(there) <= {*earlier, MARK}:
        raise BadInput(f"--book {out} holds something else: name a folder that is new or empty")
    out.mkdir(parents=True, exist_ok=True)  # a place that cannot be written to is found out now

    try:
        from sphinx.application import Sphinx
        from sphinx.errors import ExtensionError
        from sphinx.util.docutils import docutils_namespace
    except ImportError as error:
        raise BadInput(f"the book needs {error.name}: {EXTRA}") from None

    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "source", Path(folder) / "made"
        source.mkdir()
        gather(source)
        try:
            with docutils_namespace():
                arguments = source, None, made, Path(folder) / "doctrees", "html", SETTINGS
                app = Sphinx(*arguments, status=None, warningiserror=True)
                app.build()
        except ExtensionError as error:
            raise BadInput(f"the book needs more packages ({error}): {EXTRA}") from None
        if app.statuscode:
            raise BadInput("the book was not made, because of the warnings above")
        for name in there:
            (out / name).unlink(missing_ok=True)
        (made / MARK).write_text("\n".join(files_of(made)), encoding="utf-8")
        shutil.copytree(made, out, dirs_exist_ok=True)


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
