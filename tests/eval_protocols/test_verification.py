"""An honest result is verified; each planted fraud is refused, with its reason.

One real evaluation is made; every test forges a copy of it, with a summary, hashes and an archive
that follow from the forgery, as anybody who cheats would.
"""

import hashlib
import json
import shutil
import sys

import numpy as np
import pytest

from envs.seeds import seed_list_sha256
from eval_protocols.action_archive import ARCHIVE_NAME, decode, encode
from eval_protocols.episodes import policy_seed
from eval_protocols.evaluation import EvaluationSettings, Watcher, evaluate
from eval_protocols.summary import summarize
from eval_protocols.verification import verify
from eval_protocols.verification.replay import Replayer
from policies.scripted import ExpertPolicy

TASK, PROTOCOL = "tool_adjust", "robotwin2_randomized"
CLEAN, RANDOMIZED = f"demo_clean/{TASK}", f"demo_randomized/{TASK}"
SEEDS = (100000, 100001)
#: Indices of the episodes, which are sorted by condition, then seed.
FIRST, SECOND, FIRST_RANDOMIZED, BROKEN = 0, 1, 4, 5


class Breaking(ExpertPolicy):
    """The expert, which breaks down in one episode."""

    def reset(self, episode):
        super().reset(episode)
        self.left = 8
        randomized = len(episode.env.variations) > 1
        self.breaks = randomized and episode.seed == policy_seed(TASK, SEEDS[1])

    def act(self, observation):
        self.left -= 1
        if self.breaks and self.left < 0:
            raise RuntimeError("broke down")
        return super().act(observation)


class Silent(Watcher):
    def begin(self, folder, done, total):
        pass

    def episode(self, record):
        pass

    def output(self, line):
        pass


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """Folder of an honest result: two seeds under three conditions, the last one an error."""
    folder = tmp_path_factory.mktemp("honest")
    settings = EvaluationSettings(
        tasks=[TASK],
        policy=f"{__name__}:Breaking",
        protocol=PROTOCOL,
        episodes=len(SEEDS),
        workers=0,
        output_dir=folder,
    )
    _, result = evaluate(settings, Silent())
    assert [e["success_at_end"] for e in result["episodes"]] == [True] * 5 + [False]
    return folder


class Forgery:
    """A copy of a result that is about to be changed.

    Attributes:
        result: The result, as it will be written.
        actions: The actions (T, A) of each entry of the archive.
    """

    def __init__(self, honest, folder):
        self.path = folder / "result.json"
        self.result = json.loads((honest / "result.json").read_text())
        with np.load(honest / ARCHIVE_NAME) as archive:
            self.actions = {name: decode(archive[name]) for name in archive}

    @property
    def episodes(self):
        return self.result["episodes"]

    def key(self, index):
        episode = self.episodes[index]
        return f"{episode['condition']}/{episode['task']}/{episode['seed']}"

    def seal(self):
        """Writes everything, so that it fits together."""
        archive = self.path.with_name(ARCHIVE_NAME)
        entries = {name: encode(actions) for name, actions in self.actions.items()}
        np.savez_compressed(archive, **entries)
        content = archive.read_bytes()
        if self.result["actions"] is not None:
            digest = hashlib.sha256(content).hexdigest()
            self.result["actions"] |= {"sha256": digest, "bytes": len(content)}
        protocol = self.result["protocol"]
        tasks = list(dict.fromkeys(episode["task"] for episode in self.episodes))
        self.result["summary"] = summarize(
            self.episodes, tasks, protocol["conditions"], protocol["headline"]
        )
        self.path.write_text(json.dumps(self.result))

    def refusals(self):
        return verify(self.path).refusals


@pytest.fixture(scope="module", autouse=True)
def replays():
    """Remembers what became of actions: most tests change what is claimed of the same ones."""
    known, replay = {}, Replayer.replay

    def remembered(self, unit, actions, error):
        key = (unit, actions.tobytes(), error)
        if key not in known:
            known[key] = replay(self, unit, actions, error)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Replayer, "replay", remembered)
        yield


@pytest.fixture
def forgery(honest, tmp_path):
    return Forgery(honest, tmp_path)


def test_an_honest_result_is_verified(honest):
    verdict = verify(honest / "result.json")
    assert verdict.refusals == ()
    assert verdict.verified
    assert verdict.replayed == 6
    content = (honest / "result.json").read_bytes()
    assert verdict.result_sha256 == hashlib.sha256(content).hexdigest()


def test_forging_nothing_is_no_fraud(forgery):
    """What the tests below refuse is what they change, not how they write it."""
    forgery.seal()
    assert forgery.refusals() == ()


def test_a_worker_process_and_a_sample_of_known_seed_come_to_the_same(forgery):
    forgery.episodes[FIRST]["return"] += 0.5
    forgery.episodes[SECOND]["return"] += 0.5
    forgery.seal()
    here = verify(forgery.path).refusals
    assert len(here) == 2
    assert sorted(verify(forgery.path, workers=1).refusals) == sorted(here)
    drawn = [verify(forgery.path, sample=1, seed=seed) for seed in range(8)]
    assert {verdict.replayed for verdict in drawn} == {1}
    assert {verdict.refusals for verdict in drawn} == {(), here[:1], here[1:]}
    again = [verify(forgery.path, sample=1, seed=seed) for seed in range(8)]
    assert [verdict.refusals for verdict in again] == [verdict.refusals for verdict in drawn]


def test_a_sample_is_drawn_anew_each_time_and_says_with_what(honest):
    first, second = (verify(honest / "result.json", sample=1) for _ in range(2))
    assert first.verified
    assert first.sample_seed != second.sample_seed
    assert verify(honest / "result.json", sample=6).sample_seed is None


def test_a_single_bit_of_a_single_action_is_noticed(forgery):
    bits = forgery.actions[forgery.key(FIRST)].view(np.uint32)
    moving = np.flatnonzero(np.ptp(bits.astype(np.int64), axis=0))
    bits[len(bits) // 2, moving[0]] ^= 1
    forgery.seal()
    (reason,) = forgery.refusals()
    assert reason.startswith(f"{CLEAN}/100000: ")
    assert "but the replay gives" in reason


def claim(index, **claims):
    """A fraud that edits an episode's record."""

    def edit(forgery):
        forgery.episodes[index] |= claims

    return edit


@pytest.mark.parametrize(
    ("fraud", "reason"),
    [
        (claim(FIRST, success_at_end=False), "success_at_end is False, but the replay gives True"),
        (claim(FIRST, progress=0.5), "progress is 0.5, but the replay gives 1.0"),
        (claim(FIRST, failure="fell"), "failure is fell, but the replay gives None"),
        (claim(FIRST, checks={}), "checks is {}, but the replay gives"),
        (claim(FIRST, variations={"language": 1}), "variations is"),
        (claim(FIRST_RANDOMIZED, variations={}), "variations is {}, but the replay gives"),
        (claim(FIRST, state_sha256="0" * 64), "state_sha256 is 0000"),
        (claim(FIRST, success_once=False, success_at_end=False, score=4), "success_once is False"),
        (
            claim(BROKEN, error=None, success_once=True, success_at_end=True, score=5),
            "stops after 8 steps, before its end",
        ),
        (claim(BROKEN, error=None), "stops after 8 steps, before its end"),
        (claim(BROKEN, score=4), "score is 4, but the replay gives 0"),
        (
            claim(FIRST, error="oh", success_once=False, success_at_end=False, score=4),
            "an error is claimed, but it ran to its end",
        ),
    ],
)
def test_edited_outcomes_are_refused(forgery, fraud, reason):
    fraud(forgery)
    forgery.seal()
    (found,) = forgery.refusals()
    assert reason in found
    assert found.startswith((CLEAN, RANDOMIZED))


OUTCOME = ("success_once", "success_at_end", "steps", "return", "checks", "progress", "score")


def copy_an_easy_seed(forgery):
    forgery.actions[forgery.key(SECOND)] = forgery.actions[forgery.key(FIRST)]
    easy = forgery.episodes[FIRST]
    forgery.episodes[SECOND] |= {key: easy[key] for key in (*OUTCOME, "state_sha256")}


def relabel_conditions(forgery):
    here, there = forgery.episodes[FIRST], forgery.episodes[FIRST_RANDOMIZED]
    keys = [key for key in here if key != "condition"]
    easy = {key: here[key] for key in keys}
    here |= {key: there[key] for key in keys}
    there |= easy
    first, second = forgery.key(FIRST), forgery.key(FIRST_RANDOMIZED)
    actions = forgery.actions
    actions[first], actions[second] = actions[second], actions[first]


def stop_at_success(forgery):
    steps = forgery.episodes[FIRST]["steps"] - 10
    forgery.episodes[FIRST]["steps"] = steps
    forgery.actions[forgery.key(FIRST)] = forgery.actions[forgery.key(FIRST)][:steps]


def go_on_after_the_end(forgery):
    key = forgery.key(FIRST)
    forgery.episodes[FIRST]["steps"] += 5
    last = forgery.actions[key][-1:]
    forgery.actions[key] = np.concatenate([forgery.actions[key], *[last] * 5])


@pytest.mark.parametrize(
    ("fraud", "reasons"),
    [
        (copy_an_easy_seed, (f"{CLEAN}/100001: ",)),
        (relabel_conditions, (f"{CLEAN}/100000: ", f"{RANDOMIZED}/100000: ")),
        (stop_at_success, ("before its end",)),
        (go_on_after_the_end, ("steps, but it ends after",)),
    ],
)
def test_actions_that_lead_elsewhere_are_refused(forgery, fraud, reasons):
    fraud(forgery)
    forgery.seal()
    found = forgery.refusals()
    assert len(found) == len(reasons)
    for line, reason in zip(found, reasons, strict=True):
        assert reason in line


def put(*path, to):
    """A fraud that replaces a value of the result."""

    def edit(forgery):
        *keys, last = path
        at = forgery.result
        for key in keys:
            at = at[key]
        at[last] = to

    return edit


def rename_the_task(name):
    def edit(forgery):
        for episode in forgery.episodes:
            episode["task"] = name
        forgery.result["seeds"]["lists"] = {name: forgery.result["seeds"]["lists"][TASK]}
        forgery.actions = {
            key.replace(TASK, name): actions for key, actions in forgery.actions.items()
        }

    return edit


def reseed(change):
    """A fraud that gives the episodes other seeds."""

    def edit(forgery):
        forgery.actions = {
            f"{condition}/{task}/{change(int(seed))}": actions
            for (condition, task, seed), actions in (
                (key.split("/"), actions) for key, actions in forgery.actions.items()
            )
        }
        for episode in forgery.episodes:
            episode["seed"] = change(episode["seed"])

    return edit


def deny_validation(forgery):
    forgery.result["seeds"] = {"validated": False, "start": 100000, "lists": {TASK: None}}


def unvalidated(start):
    def edit(forgery):
        deny_validation(forgery)
        forgery.result["seeds"]["start"] = start

    return edit


def leave_out(*indices):
    def edit(forgery):
        for index in sorted(indices, reverse=True):
            del forgery.actions[forgery.key(index)]
            del forgery.episodes[index]

    return edit


def change_order(forgery):
    forgery.episodes[:2] = forgery.episodes[1::-1]


def deny_privilege(forgery):
    forgery.result["policy"] |= {"name": "expert", "privileged": False}


def claim_training(name, weights=None):
    def edit(forgery):
        forgery.result["training"]["name"] = name
        forgery.result["policy"]["weights_sha256"] = weights

    return edit


def no_actions_of(index, **claims):
    def edit(forgery):
        del forgery.actions[forgery.key(index)]
        forgery.episodes[index] |= claims

    return edit


def add_foreign_actions(forgery):
    forgery.actions[f"{CLEAN}/7"] = forgery.actions[f"{CLEAN}/100000"]


def cut(index, count):
    def edit(forgery):
        forgery.actions[forgery.key(index)] = forgery.actions[forgery.key(index)][:count]

    return edit


def put_action(value):
    def edit(forgery):
        forgery.actions[forgery.key(FIRST)][3, 2] = value

    return edit


def shorten_actions(forgery):
    forgery.actions[forgery.key(FIRST)] = forgery.actions[forgery.key(FIRST)][:, :13]


def test_another_task_with_the_same_seeds_is_refused(forgery):
    rename_the_task("bottle_adjust")(forgery)
    forgery.seal()
    assert len(forgery.refusals()) == 6


OTHER = "0" * 64


@pytest.mark.parametrize(
    ("fraud", "reason"),
    [
        (put("schema_version", to="1.0"), "schema_version: '2.0' was expected"),
        (put("versions", "sapien", to="3.0.2"), "versions.sapien is 3.0.2, but 3.0.3 here"),
        (put("versions", "physics_sha256", to=OTHER), "versions.physics_sha256 is 0000"),
        (put("protocol", "name", to="in_domian"), "unknown protocol 'in_domian'; did you mean"),
        (put("protocol", "name", to="../specs/in_domain"), "protocol.name"),
        (put("protocol", "name", to="objects_unseen"), "protocol.version is"),
        (put("protocol", "version", to=99), "protocol.version is 99, but"),
        (put("protocol", "sha256", to=OTHER), "protocol.sha256 is 0000"),
        (put("protocol", "headline", to="success_at_end"), "protocol.headline is success_at_end"),
        (put("protocol", "after_success_steps", to=0), "protocol.after_success_steps is 0, but"),
        (put("protocol", "conditions", 2, "variations", to={}), "protocol.conditions is"),
        (rename_the_task("antigravity:Task"), "task antigravity:Task is none of this suite"),
        (put("seeds", "lists", TASK, to=OTHER), f"seeds.lists.{TASK}: not the hash of the valid"),
        (put("seeds", "lists", to={}), "seeds.lists names other tasks"),
        (put("seeds", "start", to=5), "seeds.start is given, but"),
        (put("seeds", "validated", to=False), f"seeds.lists.{TASK} is given, but"),
        (reseed(lambda seed: seed + 1), f"{CLEAN}/100001 stands where {CLEAN}/100000 has to"),
        (unvalidated(99999), f"{CLEAN}/100000 stands where {CLEAN}/99999 has to"),
        (leave_out(BROKEN), f"{RANDOMIZED} has 1 episodes, where others have 2"),
        (leave_out(0, 2, 4), f"{CLEAN}/100001 stands where {CLEAN}/100000 has to"),
        (change_order, f"{CLEAN}/100001 stands where {CLEAN}/100000 has to"),
        (deny_privilege, "policy expert reads the simulator, but the result denies it"),
        (claim_training("some_set"), "training.name is some_set, no training set of"),
        (claim_training("none", OTHER), "training.name is none, but the policy has weights"),
        (put("actions", to=None), "no actions"),
        (no_actions_of(FIRST), f"{CLEAN}/100000: no actions, and no error that explains it"),
        (no_actions_of(BROKEN), f"{RANDOMIZED}/100001: no actions, but steps is claimed"),
        (
            no_actions_of(BROKEN, steps=0, **{"return": 0.0}, progress=0.0, score=0, checks={}),
            "no actions, but state_sha256 is claimed",
        ),
        (claim(FIRST, state_sha256=None), "no state_sha256, and no error that explains it"),
        (claim(FIRST, steps=301), "301 steps, the limit is 300"),
        (claim(FIRST, steps=20), "actions, but 20 steps"),
        (cut(FIRST, -1), "actions, but"),
        (cut(BROKEN, 7), "7 actions, but 8 steps"),
        (add_foreign_actions, f"{CLEAN}/7.npy belongs to no episode"),
        (put_action(np.nan), "step 3: action[2] = nan is not within"),
        (put_action(np.inf), "step 3: action[2] = inf is not within"),
        (put_action(100.0), "step 3: action[2] = 100 is not within"),
        (shorten_actions, "actions are uint8 (4, 13,"),
        (put("policy", "action_mode", to="ee"), "actions are uint8 (4, 14,"),
    ],
)
def test_claims_that_need_no_replay_are_refused_without_one(forgery, fraud, reason, monkeypatch):
    monkeypatch.setattr(Replayer, "replay", None)
    fraud(forgery)
    forgery.seal()
    (found,) = forgery.refusals()
    assert reason in found
    assert "\n" not in found


def test_no_code_that_a_result_names_is_imported(forgery):
    assert "antigravity" not in sys.modules
    rename_the_task("antigravity:Task")(forgery)
    forgery.result["policy"]["name"] = "antigravity:Policy"
    forgery.seal()
    assert forgery.refusals()
    assert "antigravity" not in sys.modules


def test_sums_that_do_not_follow_and_episodes_given_twice_are_refused(forgery):
    forgery.seal()
    forgery.result["summary"]["overall"][0]["mean_return"] += 1
    forgery.path.write_text(json.dumps(forgery.result))
    (reason,) = forgery.refusals()
    assert "summary.overall[0].mean_return" in reason
    forgery.episodes.append(forgery.episodes[0])
    forgery.path.write_text(json.dumps(forgery.result))
    (reason,) = forgery.refusals()
    assert "episodes[6]: the same as episodes[0]" in reason


def test_another_archive_a_truncated_one_and_none_are_refused(honest, tmp_path):
    for name in ("result.json", ARCHIVE_NAME):
        shutil.copy(honest / name, tmp_path / name)
    archive = tmp_path / ARCHIVE_NAME
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "by its hash" in verify(tmp_path / "result.json").refusals[0]
    archive.write_bytes(content[: len(content) // 2])
    assert "but the result says" in verify(tmp_path / "result.json").refusals[0]
    archive.unlink()
    assert "No such file" in verify(tmp_path / "result.json").refusals[0]


def test_an_episode_whose_worker_died_needs_no_actions(forgery):
    nothing = {"steps": 0, "return": 0.0, "progress": 0.0, "score": 0, "checks": {}}
    no_actions_of(BROKEN, **nothing, state_sha256=None, variations={})(forgery)
    forgery.seal()
    verdict = verify(forgery.path)
    assert verdict.refusals == ()
    assert verdict.replayed == 5


def test_seeds_that_are_not_validated_can_be_verified_as_such(forgery):
    assert forgery.result["seeds"]["lists"] == {TASK: seed_list_sha256(TASK)}
    deny_validation(forgery)
    forgery.seal()
    assert forgery.refusals() == ()
