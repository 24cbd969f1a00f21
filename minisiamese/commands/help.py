"""Help texts of options, put together from tables of records and functions."""

from inspect import getdoc


def listed(table):
    """The names of a table's records, each with its help."""
    return "; ".join(f"{name} ({record.help})" for name, record in table.items())


def first_sentence(entry):
    """The name of a function in a table, and the first sentence of its docstring."""
    name, function = entry
    return f"{name}: {' '.join(getdoc(function).split()).split('. ')[0].rstrip('.')}."


def either(names):
    """ "A, B or C"."""
    *names, last = names
    return f"{', '.join(names)} or {last}" if names else last
