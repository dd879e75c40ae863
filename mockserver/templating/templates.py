"""
Templates: Jinja2's grammar, with an evaluator of our own.

Jinja2 parses; the result is compiled, once, to Python closures over an allow-list (`nodes`, `lookups`, `calls`,
`piping`, `statements`) and run with a budget (`scope`). Common operations are generated as one function (`generated`),
which falls back to the closures. So a template can access only what it is given, and can't block the server.

Other packages import this module; the language is documented in docs/templates.md.
"""

from mockserver.templating.parser import WORDS
from mockserver.templating.scope import Scope
from mockserver.templating.texts import (
    Predicate,
    Template,
    TemplateError,
    compile_predicate,
    compile_text,
)
from mockserver.templating.trees import Tree, compile_tree, filled, filling

__all__ = [
    "WORDS",
    "Predicate",
    "Scope",
    "Template",
    "TemplateError",
    "Tree",
    "compile_predicate",
    "compile_text",
    "compile_tree",
    "filled",
    "filling",
]
