"""On a real Ray cluster: two nodes, which are processes of this machine."""

import threading
import time

import pytest
import ray
from ray.cluster_utils import Cluster
from test_executors import UNITS, make_runner, records

from eval_protocols.episodes import WorkUnit
from eval_protocols.executors import InProcessExecutor
from eval_protocols.guarded_policy import PolicyRefusedError
from eval_protocols.process_executor import WorkerCrashError
from eval_protocols.ray_executor import RayExecutor


@pytest.fixture(scope="module")
def cluster():
    """A head that runs nothing, and a node for one worker."""
    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False},
    )
    cluster.add_node(num_cpus=1)
    ray.init(cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def sane():
    """What a policy without faults does."""
    return records(InProcessExecutor(make_runner("Adder")))


def executor(cluster, runner, workers=None, on_output=lambda line: None):
    return RayExecutor(runner, cluster.address, workers, at_most=len(UNITS), on_output=on_output)


def test_nodes_give_the_same_records_and_what_policies_do_costs_the_same(cluster, sane, tmp_path):
    lines = []
    faulty = make_runner("Faulty", fault="segfault", seeds=[1])
    tried = executor(cluster, faulty, on_output=lines.append)
    found = records(tried)
    assert tried.workers == 1  # as many as there are CPUs
    assert found[1]["error"] == "worker died twice (SIGSEGV, SIGSEGV)"
    assert {s: r for s, r in found.items() if s != 1} == {s: r for s, r in sane.items() if s != 1}
    assert "about to crash" in lines
    assert ray.is_initialized()  # it was before


def test_a_policy_that_hangs_is_ended(cluster, sane):
    runner = make_runner("Faulty", timeout_s=1.0, fault="hang", seeds=[0])
    found = records(executor(cluster, runner), UNITS[:2])
    assert found[0]["error"] == "policy did not answer within 1 s"
    assert found[1] == sane[1]


def test_episodes_of_a_lost_machine_run_elsewhere(cluster, sane):
    lines = []
    doomed = cluster.add_node(num_cpus=1)
    lost = executor(cluster, make_runner("Adder", sleep_s=0.2), 2, on_output=lines.append)
    with lost:
        lost.start()
        while not all(seat.seated for seat in lost._seats):
            lost._poll()
        found = {}
        for episode in lost.run(UNITS):
            found[episode.record["seed"]] = {**episode.record, "wall_s": 0}
            busy = {seat.seated.node for seat in lost._seats if seat.unit}
            if doomed.node_id in busy and doomed in cluster.worker_nodes:
                cluster.remove_node(doomed, allow_graceful=False)
    assert doomed not in cluster.worker_nodes
    assert found == sane
    assert any(line.startswith("machine lost: ") for line in lines)


def test_a_worker_that_is_killed_costs_one_retry_and_twice_is_an_error(cluster, sane):
    tried = executor(cluster, make_runner("Adder", sleep_s=0.3))

    def kill():
        killed = []
        while len(killed) < 2:
            for seat in list(tried._seats):
                if seat not in killed and seat.unit == UNITS[1]:
                    time.sleep(0.3)  # into the episode
                    ray.kill(seat.actor)
                    killed.append(seat)
            time.sleep(0.01)

    threading.Thread(target=kill, daemon=True).start()
    found = records(tried, UNITS[:3])
    assert found[1]["attempts"] == 2
    assert found[1]["error"].startswith("worker died twice (")
    assert found[2] == sane[2]


def test_a_policy_that_cannot_be_built_is_refused(cluster):
    with (
        executor(cluster, make_runner("Unbuildable")) as refusing,
        pytest.raises(PolicyRefusedError, match="OSError: weights are missing"),
    ):
        refusing.start()


def test_machines_that_differ_are_refused(cluster):
    """A policy that is another in each process stands for one that is another on each machine."""
    extra = cluster.add_node(num_cpus=1)
    with executor(cluster, make_runner("Chameleon", sleep_s=1.0), 2) as mixed:
        mixed.start()
        with pytest.raises(PolicyRefusedError, match=r"machines differ.*config\.process is \d+"):
            list(mixed.run(UNITS))
    cluster.remove_node(extra, allow_graceful=False)


def test_a_bug_of_the_environment_ends_the_run_with_its_traceback(cluster):
    with executor(cluster, make_runner("Adder")) as broken:
        broken.start()
        with pytest.raises(WorkerCrashError, match=r"Traceback(.|\n)*a bug of ours"):
            list(broken.run([WorkUnit("broken", 0, "nominal")]))
