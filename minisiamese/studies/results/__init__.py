"""Runs beside the published figures, as a table in Markdown and a picture.

    python -m minisiamese.studies.results RUNS... --out FOLDER

``published.py`` has the tests and their published figures, ``rows.py`` reads runs and makes the rows, ``pictures.py``
has the table and the picture, and ``__main__.py`` is the front door.
"""
