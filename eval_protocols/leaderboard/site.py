"""The site: static pages, rendered from the leaderboard's document alone.

Everything in it may come from strangers. The templates escape every text and show invisible
characters as codes; file names are slugs of our own; the pages' content security policy runs no
script but ours, named by hash, and loads nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import jinja2
from markupsafe import Markup

from eval_protocols.leaderboard.document import JSON_NAME, Document
from eval_protocols.leaderboard.names import visible
from eval_protocols.report.inline import csp_hash, inline_source
from eval_protocols.report.words import observed, percent, readable, title

#: Entries that an index card shows.
CARD_ENTRIES = 3


def render_site(document: Document) -> dict[str, str]:
    """Renders all pages.

    Args:
        document: The leaderboard.

    Returns:
        The pages' texts by their paths in the site.
    """
    environment = _environment()
    shared = {
        "document": document,
        "results": _results(document),
        "variants": {each["id"]: each["variant"] for each in document["policies"]},
        "similar": {each["id"] for each in document["policies"] if each["look_alikes"]},
    }
    pages = {
        f"{name}.html": environment.get_template(f"{name}.html.j2").render(root="", **shared)
        for name in ("index", "rules", "refused")
    }
    template = environment.get_template("protocol.html.j2")
    for protocol in document["protocols"]:
        page = template.render(root="../", protocol=protocol, **shared)
        pages[f"protocols/{protocol['id']}.html"] = page
    template = environment.get_template("policy.html.j2")
    for policy in document["policies"]:
        page = template.render(root="../", policy=policy, **shared)
        pages[f"policies/{policy['id']}.html"] = page
    return pages


def _environment() -> jinja2.Environment:
    style = inline_source("eval_protocols.report", "report.css")
    style += inline_source("eval_protocols.leaderboard", "templates/leaderboard.css")
    script = inline_source("eval_protocols.report", "report.js")
    script += inline_source("eval_protocols.leaderboard", "templates/leaderboard.js")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("eval_protocols.leaderboard", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(
        percent=percent,
        points=_points,
        readable=readable,
        title=title,
        observed=observed,
        quote=shlex.quote,
        pretty=lambda value: json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False),
        heat=lambda rate: round(10 * rate),
    )
    environment.globals.update(
        style=Markup(style),
        script=Markup(script),
        style_hash=Markup(csp_hash(style)),
        script_hash=Markup(csp_hash(script)),
        card_entries=CARD_ENTRIES,
        json_name=JSON_NAME,
    )
    return environment


def _shown(value: Any) -> Any:
    """What the templates print: texts without hidden characters."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _results(document: Document) -> dict[str, list[Mapping[str, Any]]]:
    """Each policy's results: its entries with the ranking, training and protocol around them."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for protocol in document["protocols"]:
        for training in protocol["trainings"]:
            for ranking in training["rankings"]:
                for entry in (*ranking["entries"], *ranking["references"]):
                    result = {"protocol": protocol, "ranking": ranking, "entry": entry}
                    found.setdefault(entry["policy"], []).append(result)
    return found


def _points(rate: float) -> str:
    """A rate, or its spread, in percent without the sign."""
    return f"{100 * rate:.1f}"
