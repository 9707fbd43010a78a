"""Results that are handed in, and what a leaderboard's document says of them."""

import hashlib

from example_result import episodes_of, example_result

from eval_protocols.protocol import load_protocol


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def result(name="act", successes=(True, False), first_seed=0, seed=0, **changes):
    """A result of one task; the weights follow from name and training seed."""
    policy = {"name": name, "weights_sha256": sha256(f"{name} {seed}")} | changes.pop("policy", {})
    training = {"seed": seed} | changes.pop("training", {})
    episodes = episodes_of("block_handover", "nominal", successes, first_seed)
    return example_result(episodes, policy=policy, training=training, **changes)


def rankings(document):
    """Names of the entries by protocol's name, training data and number of the ranking."""
    return {
        (protocol["name"], training["name"], index): [entry["name"] for entry in each["entries"]]
        for protocol in document["protocols"]
        for training in protocol["trainings"]
        for index, each in enumerate(training["rankings"])
    }


def only_ranking(document):
    (protocol,) = document["protocols"]
    (training,) = protocol["trainings"]
    (ranking,) = training["rankings"]
    return ranking


def ranks(document):
    return {
        entry["name"]: (entry["rank"]["low"], entry["rank"]["high"])
        for entry in only_ranking(document)["entries"]
    }


def reasons(document):
    return [refusal["reason"] for refusal in document["refused"]]


def known_block(**changes):
    protocol = load_protocol("in_domain")
    keys = ("name", "version", "headline", "after_success_steps", "sha256")
    return {key: getattr(protocol, key) for key in keys} | changes


def flags(good, total=40):
    return [True] * good + [False] * (total - good)
