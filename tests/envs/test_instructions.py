import string

import numpy as np
import pytest

from envs.instruction_space import InstructionSpace
from envs.instructions import Wording, instruction
from envs.randomization.language import LEVEL_WORDINGS
from envs.registration import task_names
from envs.tasks import load_task

SEEN = ("Lift the bottle.", "Raise the bottle, please do.")
UNSEEN = ("Bring the flask upwards.",)


def said(wording, seed=0, seen=SEEN, unseen=UNSEEN):
    return instruction(seen, unseen, wording, np.random.default_rng(seed))


def edits(one, other):
    """Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one):
        new = [i + 1]
        for j, b in enumerate(other):
            new.append(min(row[j] + (a != b), row[j + 1] + 1, new[j] + 1))
        row = new
    return row[-1]


@pytest.mark.parametrize("task", task_names())
def test_every_task_has_wordings_that_training_never_sees(task):
    task = load_task(task)
    seen, unseen = (
        {text.lower() for text in texts} for texts in (task.instructions, task.unseen_instructions)
    )
    assert len(seen) >= 2
    assert len(unseen) >= 2
    assert not seen & unseen


@pytest.mark.parametrize("task", task_names())
@pytest.mark.parametrize("level", range(6))
def test_instructions_are_printable_and_short_enough_to_be_whole(task, level):
    task, space = load_task(task), InstructionSpace()
    texts = [
        said(LEVEL_WORDINGS[level], seed, task.instructions, task.unseen_instructions)
        for seed in range(25)
    ]
    for text in texts:
        assert space.contains(text)
        assert set(text) <= set(string.printable) - set("\n\r\t\v\f")
        assert 5 < len(text) < 250, "nothing is cut off"
    assert len(set(texts)) > 1
    if level == 0:
        assert set(texts) <= set(task.instructions)
    if level == 1:
        assert set(texts) <= set(task.unseen_instructions)


def test_seen_and_unseen_wordings():
    assert {said(Wording(), seed) for seed in range(20)} == set(SEEN)
    assert said(Wording(unseen=True)) == UNSEEN[0]


def test_politeness_is_around_the_words():
    texts = {said(Wording(unseen=True, polite=True), seed) for seed in range(40)}
    assert texts == {
        "Please do this: Bring the flask upwards.",
        "Here is your next task. Bring the flask upwards. Thank you.",
        "I would be glad of this: Bring the flask upwards.",
        "Robot, this is for you. Bring the flask upwards.",
    }


def test_the_careless_leave_out_capitals_and_stops():
    for seed in range(20):
        text = said(Wording(polite=True, careless=True), seed)
        assert text == text.lower()
        assert not set(text) & set(".,")


def test_an_aside_comes_first_and_changes_nothing_else():
    for seed in range(10):
        plain = said(Wording(), seed)
        aside = said(Wording(aside=True), seed)
        assert aside.endswith(f" {plain}")
        assert len(aside) > len(plain) + 10


@pytest.mark.parametrize("typos", [1, 2, 4])
def test_typos_are_few_and_within_words(typos):
    for seed in range(30):
        plain, wrong = said(Wording(), seed), said(Wording(typos=typos), seed)
        assert wrong == said(Wording(typos=typos), seed)
        # A swap of neighbours counts two; swapping them back counts nothing.
        assert edits(plain, wrong) <= 2 * typos
        assert len(wrong.split()) == len(plain.split())
        assert [word[0] for word in wrong.split()] == [word[0] for word in plain.split()]
    assert any(said(Wording(typos=typos), s) != said(Wording(), s) for s in range(5))


def test_typos_need_words():
    assert said(Wording(typos=3), seen=("A b.",)) == "A b."


def test_a_task_without_unseen_wordings_says_the_others():
    assert said(Wording(unseen=True), unseen=()) in SEEN
