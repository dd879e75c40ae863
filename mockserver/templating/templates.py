"""
Templates: Jinja2's grammar, an evaluator of our own.

Jinja2 parses; what it parsed is compiled, once, to Python closures over an
allow-list (`template_nodes`, `template_lookups`, `template_calls`,
`template_piping`, `template_statements`) and run with a budget (`template_scope`). So a template
can reach nothing that it was not handed, and can't hold the server.

This is what other rooms import; the language itself is in docs/templates.md.
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
