"""Show the awaitable forms of functions as what they are: functions with the same signature.

``keye_vl_rs.aio`` makes them from the plain functions when it is imported, so its source alone says
neither their arguments nor what they do.
"""

from __future__ import annotations

import griffe

MODULE = "aio"


def add_awaitable_forms(package: griffe.Module) -> None:
    """Replace what ``aio`` assigns by functions like those of the package that have their names."""
    if MODULE not in package.members:
        return
    module = package[MODULE]
    for name in map(str, module.exports or ()):
        one, plain = module.members[name], package.members[name]
        if plain.is_alias:
            plain = plain.final_target
        if not one.is_attribute or not plain.is_function:
            continue
        form = griffe.Function(
            name,
            lineno=one.lineno,
            endlineno=one.endlineno,
            parameters=plain.parameters,
            returns=plain.returns,
            docstring=_docstring(plain),
        )
        form.labels.add("async")
        module.set_member(name, form)


def _docstring(plain: griffe.Function) -> griffe.Docstring | None:
    if plain.docstring is None:
        return None
    summary, _, details = plain.docstring.value.partition("\n")
    note = f"This is the awaitable form of :func:`keye_vl_rs.{plain.name}`, which runs in a thread."
    return griffe.Docstring(
        f"{summary}\n\n{note}\n{details}",
        lineno=plain.docstring.lineno,
        endlineno=plain.docstring.endlineno,
        parser=plain.docstring.parser,
        parser_options=plain.docstring.parser_options,
    )
