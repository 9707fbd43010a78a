"""Names that strangers choose."""

from hypothesis import given
from hypothesis import strategies as st

from eval_protocols.leaderboard.names import look_alikes, skeleton, slug, visible

NAMES = st.text(st.characters(codec=None, exclude_categories=[]), max_size=60)


@given(NAMES, NAMES)
def test_slugs_are_safe_short_and_differ(one, other):
    first, second = slug("policy", one), slug("policy", other)
    assert (first == second) == (one == other)
    named = slug(one, other)
    assert 12 <= len(named) <= 53
    assert set(named) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


@given(NAMES)
def test_nothing_invisible_is_left(name):
    assert visible(visible(name)) == visible(name)
    assert all(char.isprintable() or char == "\n" or char.isspace() for char in visible(name))


def test_names_that_are_easily_confused_are_found():
    cyrillic = "\u0430\u0441t"
    assert skeleton("ACT") == skeleton(cyrillic) == skeleton("a\u200bct") == skeleton("A-C-T")
    found = look_alikes(["ACT", "act", cyrillic, "dp3", "SEM"])
    assert found["act"] == ["ACT", cyrillic]
    assert found.keys() == {"ACT", "act", cyrillic}


def test_a_wall_of_accents_is_cut():
    assert visible("a" + "\u0301" * 3) == "a\u0301\u0301<U+0301>"
    assert visible("a\u202eb") == "a<U+202E>b"
