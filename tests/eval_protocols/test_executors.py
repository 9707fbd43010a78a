import functools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fakes
import pytest

from eval_protocols.episodes import WorkUnit
from eval_protocols.executors import InProcessExecutor
from eval_protocols.guarded_policy import PolicyRefusedError
from eval_protocols.process_executor import ProcessExecutor, WorkerCrashError
from eval_protocols.protocol import Condition
from eval_protocols.runner import EpisodeRunner, RunnerSettings

UNITS = [WorkUnit("sums", seed, "nominal") for seed in range(6)]


def make_runner(policy, timeout_s=30.0, start_timeout_s=30.0, **config):
    return functools.partial(
        EpisodeRunner,
        RunnerSettings(
            policy=f"fakes:{policy}",
            policy_config=config,
            first_seeds={"sums": 0},
            conditions={"nominal": Condition("nominal", {})},
            after_success_steps=2,
            policy_timeout_s=timeout_s,
            start_timeout_s=start_timeout_s,
            make_env=fakes.make_fake_env,
        ),
    )


def records(executor, units=UNITS):
    """Records by seed, without their times; fails if an episode is missing or comes twice."""
    with executor:
        executor.start()
        finished = [episode.record for episode in executor.run(units)]
    assert sorted(record["seed"] for record in finished) == [unit.seed for unit in units]
    return {record["seed"]: {**record, "wall_s": 0} for record in finished}


@pytest.fixture(scope="module")
def sane():
    """What a policy without faults does."""
    return records(InProcessExecutor(make_runner("Adder")))


def test_the_sane_policy_is_a_good_reference(sane):
    assert {record["success_once"] for record in sane.values()} == {True, False}


def test_processes_give_the_same_records(sane):
    assert records(ProcessExecutor(make_runner("Adder"), 2)) == sane


def test_a_policy_that_always_kills_its_worker_costs_its_own_episodes_only(sane):
    lines = []
    found = records(
        ProcessExecutor(
            make_runner("Faulty", fault="segfault", seeds=[1]), 2, on_output=lines.append
        )
    )
    assert found[1]["error"] == "worker died twice (SIGSEGV, SIGSEGV)"
    assert found[1]["attempts"] == 2
    assert not found[1]["success_once"]
    assert {s: r for s, r in found.items() if s != 1} == {s: r for s, r in sane.items() if s != 1}
    assert "about to crash" in lines
    assert any("Segmentation fault" in line for line in lines)


@pytest.mark.parametrize("fault", ["system_exit", "orphan"])
def test_a_worker_that_dies_once_costs_one_retry(sane, tmp_path, fault):
    config = {"fault": fault, "seeds": [2], "marker": str(tmp_path / "marker")}
    found = records(
        ProcessExecutor(make_runner("Faulty", **config), 1, on_output=lambda line: None)
    )
    assert (tmp_path / "marker").exists()
    assert found == {**sane, 2: {**sane[2], "attempts": 2}}


def test_a_worker_that_is_killed_from_outside_costs_one_retry(sane):
    executor = ProcessExecutor(make_runner("Adder", sleep_s=0.1), 1, on_output=lambda line: None)

    def kill():
        while True:
            for worker, job in list(executor._jobs.items()):
                if job is not None and job.unit.seed == 2:
                    time.sleep(0.1)  # into the episode, which takes at least 0.3 s
                    os.kill(worker._process.pid, signal.SIGKILL)
                    return
            time.sleep(0.01)

    threading.Thread(target=kill, daemon=True).start()
    assert records(executor) == {**sane, 2: {**sane[2], "attempts": 2}}


def test_a_policy_that_hangs_is_ended(sane):
    started = time.monotonic()
    found = records(
        ProcessExecutor(make_runner("Faulty", timeout_s=1.0, fault="hang", seeds=[0, 4]), 2)
    )
    assert time.monotonic() - started < 20
    for seed in (0, 4):
        assert found[seed]["error"] == "policy did not answer within 1 s"
        assert found[seed]["attempts"] == 1
    assert {s: r for s, r in found.items() if s not in (0, 4)} == {
        s: r for s, r in sane.items() if s not in (0, 4)
    }


def test_being_stopped_is_not_hanging(sane):
    """After Ctrl-Z and fg, a call has lasted long on the clock, but not in the worker."""
    program = (
        "import test_executors as t\n"
        "if __name__ == '__main__':\n"
        "    e = t.ProcessExecutor(t.make_runner('Adder', timeout_s=1.5, sleep_s=0.4), 1)\n"
        "    e.__enter__(); e.start(); print('ready', flush=True)\n"
        "    print([r.record['error'] for r in e.run(t.UNITS[:2])]); e.close()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.2)
    os.killpg(child.pid, signal.SIGSTOP)
    time.sleep(3)
    os.killpg(child.pid, signal.SIGCONT)
    assert child.communicate(timeout=30)[0] == "[None, None]\n"


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("Unbuildable", "OSError: weights are missing"),
        ("BornDead", r"workers die before they are ready \(SIGSEGV\)"),
        ("Slow", "not built within 1 s"),
    ],
)
def test_a_policy_that_cannot_be_built_is_refused(policy, message):
    executor = ProcessExecutor(
        make_runner(policy, start_timeout_s=1.0), 1, on_output=lambda line: None
    )
    with executor, pytest.raises(PolicyRefusedError, match=message):
        executor.start()


def test_a_bug_of_the_environment_ends_the_run_with_its_traceback():
    executor = ProcessExecutor(make_runner("Adder"), 1)
    with executor:
        executor.start()
        with pytest.raises(WorkerCrashError, match=r"Traceback(.|\n)*a bug of ours"):
            list(executor.run([WorkUnit("broken", 0, "nominal")]))


def test_workers_end_with_their_parent_even_in_a_policy_call():
    program = (
        "import os, signal, test_executors as t\n"
        "if __name__ == '__main__':\n"
        "    e = t.ProcessExecutor(t.make_runner('Faulty', fault='hang', seeds=[0]), 2)\n"
        "    e.start(); run = e.run(t.UNITS[:1]);\n"
        "    import threading; threading.Timer(1.0, lambda: (\n"
        "        print(*[w._process.pid for w in e._jobs], flush=True),\n"
        "        os.kill(os.getpid(), signal.SIGKILL))).start()\n"
        "    next(run)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
    )
    pids = [int(pid) for pid in child.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.05)


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
