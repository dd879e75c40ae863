"""
Templates: Jinja2's grammar, an evaluator of our own.

Jinja2 parses; what it parsed is compiled, once, to Python closures over an
allow-list (`nodes`, `lookups`, `calls`, `piping`, `statements`) and run with a budget (`scope`). What templates do
most often is written into one function (`generated`), which falls back to the closures. So a template
can reach nothing that it was not handed, and can't hold the server.

Other packages import this module; the language itself is in docs/templates.md.
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
from mockserver.templating.trees import Tree, compile_tree

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
]
