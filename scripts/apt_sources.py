"""The package sources that apt is set up with on this machine, in both formats that it reads.

No mirror is named here: backports lie on the mirror that serves the distribution itself.
"""

from __future__ import annotations

import re
from pathlib import Path


def parse_sources(text: str, *, one_line: bool) -> list[dict[str, str]]:
    """Reads package sources of apt.

    Args:
        text: Content of a file.
        one_line: Whether it has the format of `sources.list` (else that of `*.sources`).

    Returns:
        For each source that is enabled and has binary packages, its deb822 fields by name.
    """
    sources = []
    if one_line:
        for match in re.finditer(r"^deb(?:\s+\[(.*?)\])?\s+(\S+)\s+(\S+)([^#\n]*)", text, re.M):
            options, uri, suite, components = match.groups()
            fields = {"types": "deb", "uris": uri, "suites": suite, "components": components}
            for option in (options or "").split():
                name, _, value = option.partition("=")
                name = {"arch": "architectures", "lang": "languages"}.get(name, name)
                fields[name] = value.replace(",", " ")
            sources.append(fields)
        return sources
    text = re.sub(r"^#.*\n?", "", text, flags=re.M)
    for stanza in re.split(r"\n\s*\n", text):
        # A line that starts with a space continues the field above it (an embedded key, say).
        parts = re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.M)
        fields = {name.lower(): value.strip() for name, value in parts}
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes") != "no":
            sources.append(fields | {"types": "deb"})
    return sources


def distribution_sources(apt_folder: Path, codename: str) -> list[dict[str, str]]:
    """Returns the sources that this machine has for the distribution itself, no third party's.

    To those with the main suite, `<codename>-backports` is added: it lies on the same mirror.

    Args:
        apt_folder: apt's folder of settings.
        codename: Distribution's code name, such as "bookworm".
    """
    sources = []
    parts = apt_folder / "sources.list.d"
    for path in [apt_folder / "sources.list", *sorted(parts.glob("*.list"))]:
        if path.is_file():
            sources += parse_sources(path.read_text(errors="replace"), one_line=True)
    for path in sorted(parts.glob("*.sources")):
        sources += parse_sources(path.read_text(errors="replace"), one_line=False)
    kept = []
    for fields in sources:
        suites = fields.get("suites", "").split()
        official = any(re.fullmatch(rf"{codename}(-updates|-security)?", suite) for suite in suites)
        if not official or "main" not in fields.get("components", "").split():
            continue
        if fields.get("uris", "").startswith("cdrom:"):
            continue
        backports = f"{codename}-backports"
        if codename in suites and backports not in suites:
            suites.append(backports)
        kept.append(fields | {"suites": " ".join(suites)})
    return kept


def format_sources(sources: list[dict[str, str]]) -> str:
    """Writes sources in apt's deb822 format."""
    stanzas = ("\n".join(f"{name}: {value}" for name, value in each.items()) for each in sources)
    return "\n\n".join(stanzas) + "\n"
