"""How fast SEM of the paper's size acts and trains, against the released code's way to compute it.

    python benchmarks/sem_speed.py [--rounds 5] [--json FILE]
    python benchmarks/sem_speed.py --profile

The released way and ours share weights, inputs and noise; between them, what the released way does
more than it must is left out, one after the other. All take turns, in alternating order; ratios are
taken within rounds, and in every round actions and losses must agree. See README.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from sem_released_way import TRAINING_ONLY, WAYS, released_way
from torch import Tensor, nn
from torch.autograd.profiler import record_function
from torch.profiler import ProfilerActivity, profile

import policies.sem.scene_encoder as scene_encoder_module
from envs.cameras import CAMERA_MOUNTS, extrinsic_cv
from learning.compiling import compile_parts
from learning.heap import TOP_PAD
from policies.imitation.method import Moments, Statistics
from policies.imitation.methods import preset
from policies.sem.method import Sem

MODES = {"acting": 1, "training": 2}  # batch sizes
GOALS = {"acting": 2.0, "training": 3.0}
RELEASED = "the released way"
LOOP, HEAP = "AdamW tensor by tensor", "memory mapped anew"
COMPILED, BF16 = "torch.compile", "bfloat16"
KEPT_HEAP = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(TOP_PAD),
}
ACTION_TOLERANCE, LOSS_TOLERANCE = 1e-4, 1e-5  # rad; relative


class Rung(NamedTuple):
    """A contender.

    Attributes:
        name: What was left out last.
        ways: What it does as the released code does.
        kept_heap: Whether the C library keeps freed memory.
        compiled: Whether `torch.compile` makes code for its blocks.
        bf16: Whether it computes in bfloat16.
    """

    name: str
    ways: tuple[str, ...]
    kept_heap: bool = False
    compiled: bool = False
    bf16: bool = False


def ladder(mode: str, *, bf16: bool) -> list[Rung]:
    """From the released way to ours."""
    ways = [way for way in WAYS if mode == "training" or way not in TRAINING_ONLY]
    if mode == "training":
        ways.append(LOOP)
    names = [RELEASED, *(f"no {way}" for way in ways)]
    rungs = [Rung(name, tuple(ways[i:])) for i, name in enumerate(names)]
    rungs.append(Rung(f"no {HEAP}", (), kept_heap=True))
    rungs.append(Rung(COMPILED, (), kept_heap=True, compiled=True))
    if bf16:
        rungs.append(Rung(BF16, (), kept_heap=True, compiled=True, bf16=True))
    return rungs


def has_bf16() -> bool:
    """Whether this CPU multiplies bfloat16 numbers."""
    flags = Path("/proc/cpuinfo").read_text("utf-8").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


class Contest:
    """A model, an optimizer and inputs that all contenders of a process share.

    The learning rate is 0, so that weights stay what they are.
    """

    def __init__(self, *, compiled: bool = False) -> None:
        torch.manual_seed(0)
        config, optimization = preset("sem", "full")
        self.clip_norm = optimization.clip_norm
        self.sem = Sem(config)
        # As after training, nothing that begins at 0 shall hide a difference.
        for parameter in self.sem.parameters():
            if not parameter.detach().any():
                nn.init.normal_(parameter, std=0.02)
        one = torch.ones(14)
        moments = Moments(-one, one, 0 * one, one)
        self.sem.fit(Statistics(moments, moments))
        if compiled:
            compile_parts(self.sem, self.sem.repeated_parts, torch.device("cpu"))
        self.optimizer = torch.optim.AdamW(self.sem.parameters(), lr=0.0)
        self.batches = {mode: self._batch(size) for mode, size in MODES.items()}

    def run(self, mode: str, rung: Rung) -> dict[str, Any]:
        """A step; its times and what came out."""
        ways = [way for way in rung.ways if way in WAYS]
        self.optimizer.param_groups[0].update(fused=LOOP not in rung.ways, foreach=False)
        generator = torch.Generator().manual_seed(0)
        torch.manual_seed(0)  # of stochastic depth
        step = self.act if mode == "acting" else self.train
        with released_way(self.sem, ways), torch.autocast("cpu", enabled=rung.bf16):
            cpu, begin = time.process_time(), time.perf_counter()
            result = step(generator)
            wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
        return {"wall": wall, "cpu": cpu, "result": result.flatten().tolist()}

    def act(self, generator: torch.Generator) -> Tensor:
        """Chooses a chunk of actions."""
        self.sem.eval()
        with torch.inference_mode():
            return self.sem.predict(self.batches["acting"], generator)

    def train(self, generator: torch.Generator) -> Tensor:
        """A training step; answers the parts of the loss."""
        self.sem.train()
        losses = self.sem.losses(self.batches["training"], generator)
        losses["loss"].mean().backward()
        nn.utils.clip_grad_norm_(self.sem.parameters(), self.clip_norm)
        with record_function("part:optimizer"):
            self.optimizer.step()
        self.optimizer.zero_grad()
        return torch.stack([each.detach() for each in losses.values()])

    def _batch(self, size: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(1)
        views = len(self.sem.config.cameras)
        width, height = self.sem.config.resolution
        looking = torch.from_numpy(extrinsic_cv(CAMERA_MOUNTS["head_camera"].pose)).float()
        intrinsic = torch.from_numpy(self.sem.standard_camera.intrinsic_cv).float()
        joints = torch.rand(size, 1, 14, generator=generator)
        pictures = (size, 1, views, height, width)
        return {
            "joint_target": joints,
            "joint_position": joints,
            "rgb": torch.randint(0, 256, (*pictures, 3), generator=generator, dtype=torch.uint8),
            "depth": 0.2 + torch.rand(pictures, generator=generator),
            "intrinsic_cv": intrinsic.expand(size, 1, views, 3, 3),
            "extrinsic_cv": looking.expand(size, 1, views, 4, 4),
            "action": torch.rand(size, self.sem.config.horizon, 14, generator=generator),
        }


class Worker:
    """A process with a `Contest`."""

    def __init__(self, rung: Rung, threads: int) -> None:
        command = [sys.executable, __file__, "--work", "--threads", str(threads)]
        command += ["--compiled"] if rung.compiled else []
        inherited = {name: v for name, v in os.environ.items() if not name.startswith("MALLOC_")}
        self._process = subprocess.Popen(
            command,
            env={**inherited, **(KEPT_HEAP if rung.kept_heap else {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, mode: str, rung: Rung) -> dict[str, Any]:
        """Has a step done."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            print(json.dumps([mode, rung]), file=self._process.stdin, flush=True)
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise SystemExit("see above why a process gave up") from None
        return answer

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def process_of(rung: Rung) -> tuple[bool, bool]:
    """What decides in which process a contender is; all others share one."""
    return rung.kept_heap, rung.compiled


def check(mode: str, rung: Rung, ours: Sequence[float], released: Sequence[float]) -> float:
    """The greatest difference to what the released way answered; none may be too great."""
    a, b = np.array(ours), np.array(released)
    if mode == "acting":
        difference, tolerance = float(np.abs(a - b).max()), ACTION_TOLERANCE
    else:
        difference, tolerance = float((np.abs(a - b) / np.abs(b)).max()), LOSS_TOLERANCE
    if difference > tolerance and not rung.bf16:
        raise SystemExit(f"{mode}, '{rung.name}': differs by {difference:.2g} from {RELEASED}")
    return difference


def compete(
    workers: dict[tuple[bool, bool], Worker], mode: str, rungs: Sequence[Rung], rounds: int
) -> dict[str, Any]:
    """Lets everybody play `rounds` rounds after one to warm up."""
    times: dict[str, list[tuple[float, float]]] = {rung.name: [] for rung in rungs}
    difference: dict[str, float] = {}
    for number in range(-1, rounds):
        answers = {
            rung.name: workers[process_of(rung)](mode, rung)
            for rung in list(rungs)[:: 1 if number % 2 else -1]
        }
        for rung in rungs:
            answer = answers[rung.name]
            difference[rung.name] = check(mode, rung, answer["result"], answers[RELEASED]["result"])
            if number >= 0:
                times[rung.name].append((answer["wall"], answer["cpu"]))
    taken = {name: np.array(each).T for name, each in times.items()}
    released = taken[RELEASED]
    rows, before = [], released
    for rung in rungs:
        now = taken[rung.name]
        rows.append(
            {
                "name": rung.name,
                "wall_s": spread(now[0]),
                "times_faster": spread(before[0] / now[0]),
                "times_faster_in_all": spread(released[0] / now[0]),
                "times_less_cpu_in_all": spread(released[1] / now[1]),
                "difference": difference[rung.name],
                "each_wall_s": now[0].tolist(),
                "each_cpu_s": now[1].tolist(),
            }
        )
        before = now
    return {"mode": mode, "batch": MODES[mode], "goal": GOALS[mode], "rows": rows}


def spread(values: Any) -> dict[str, float]:
    """Median and quartiles."""
    low, median, high = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "low": float(low), "high": float(high)}


def show(result: dict[str, Any]) -> None:
    words = "{median:.3g} ({low:.3g} .. {high:.3g})".format
    console = Console()
    for part in result["modes"]:
        head = f"{part['mode']}, batch {part['batch']} (goal: {part['goal']:g} times)"
        columns = ("s a step", "times faster", "in all", "CPU time, in all", "difference")
        table = Table(head, *columns)
        for row in part["rows"]:
            table.add_row(
                row["name"],
                words(**row["wall_s"]),
                words(**row["times_faster"]),
                words(**row["times_faster_in_all"]),
                words(**row["times_less_cpu_in_all"]),
                f"{row['difference']:.1e}",
            )
        if not result["bf16"]:
            table.add_row(BF16, "not measured: no bf16 in this CPU")
        console.print(table)
    console.print(f"threads: {result['threads']}; load: {result['load']}")


# Where the time goes -----------------------------------------------------------------------------


def parts_of(sem: Sem) -> dict[str, list[tuple[Any, str]]]:
    """Functions of a model by the part that their time is counted to; the innermost counts."""
    scene, decoder = sem.scene, sem.decoder
    enhancer, depth = scene.spatial_enhancer, scene.depth_encoder
    layers: list[Any] = list(decoder.layers)
    return {
        "Swin": [(scene.image_encoder.backbone, "forward")],
        "image neck": [(scene.image_encoder.neck, "forward")],
        "depth encoder and neck": [(depth, "forward")],
        "spatial enhancer": [(enhancer, "forward"), (enhancer, "depth_logits")],
        "depth loss": [(scene_encoder_module, "depth_loss")],
        "state encoder": [(sem.state_encoder, "forward")],
        "decoder: joint graph attention": [
            (each.joint_attention, name) for each in layers for name in ("forward", "relations")
        ],
        "decoder: temporal attention": [
            (each.temporal_attention, name) for each in layers for name in ("forward", "memory")
        ],
        "decoder: image attention": [
            (each.image_attention, name) for each in layers for name in ("forward", "memory")
        ],
        "decoder: feed-forward": [(each.ffn, "forward") for each in layers],
        "decoder: input, norms, modulation": [(decoder, "forward")],
        "decoder: head": [(decoder.head, "forward")],
        "kinematics": [(sem.joint_states, "forward")],
    }


@contextlib.contextmanager
def marked(sem: Sem) -> Iterator[None]:
    """Has each of `parts_of` a range of its own in profiles."""

    def wrapped(function: Callable[..., Any], part: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            with record_function(f"part:{part}"):
                return function(*arguments, **options)

        return call

    before = []
    for part, places in parts_of(sem).items():
        for owner, name in places:
            before.append((owner, name, name in vars(owner), getattr(owner, name)))
            setattr(owner, name, wrapped(getattr(owner, name), part))
    yield
    for owner, name, own, value in before:
        if own:
            setattr(owner, name, value)
        else:
            delattr(owner, name)


def time_of_parts(events: Sequence[Any]) -> dict[str, dict[str, float]]:
    """Seconds of each part, forward and backward.

    An operation of the backward pass belongs to the part whose operation of the forward pass has
    the same sequence number.
    """
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    owners: dict[int, str] = {}
    stack: list[tuple[float, str, str]] = []  # end, part, direction
    for event in sorted(events, key=lambda e: (e.time_range.start, -e.time_range.end)):
        start, end = event.time_range.start, event.time_range.end
        while stack and stack[-1][0] <= start:
            stack.pop()
        _, part, direction = stack[-1] if stack else (0.0, "all else", "forward")
        if event.name.startswith("part:"):
            part = event.name.removeprefix("part:")
        elif event.name.startswith("autograd::engine::evaluate_function"):
            part, direction = owners.get(event.sequence_nr, "all else"), "backward"
        elif event.sequence_nr >= 0 and direction == "forward":
            owners[event.sequence_nr] = part
        if stack:  # the time of what is inside is not its own
            seconds[stack[-1][1]][stack[-1][2]] -= (end - start) / 1e6
        seconds[part][direction] += (end - start) / 1e6
        stack.append((end, part, direction))
    return seconds


def show_profile(contest: Contest, steps: int) -> list[dict[str, Any]]:
    """Prints where the time of our way goes."""
    console, found = Console(), []
    order = [*parts_of(contest.sem), "optimizer", "all else"]
    for mode in MODES:
        ours = ladder(mode, bf16=False)[-1]
        with marked(contest.sem):
            contest.run(mode, ours)
            with profile(activities=[ProfilerActivity.CPU]) as record:
                for _ in range(steps):
                    with record_function("part:all else"):
                        contest.run(mode, ours)
        seconds = time_of_parts(record.events())
        whole = sum(sum(each.values()) for each in seconds.values())
        table = Table(f"{mode}, batch {MODES[mode]}", "forward ms", "backward ms", "share")
        for part in order:
            forward, backward = (seconds[part][d] / steps for d in ("forward", "backward"))
            share = (forward + backward) * steps / whole
            found.append({"mode": mode, "part": part, "forward_s": forward, "backward_s": backward})
            if share > 0:
                table.add_row(part, f"{1e3 * forward:.0f}", f"{1e3 * backward:.0f}", f"{share:.1%}")
        table.add_row("in all", f"{1e3 * whole / steps:.0f}")
        console.print(table)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument(
        "--ends",
        action="store_true",
        help="only the released way and ours, with torch.compile and bfloat16",
    )
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--profile", action="store_true", help="where the time of our way goes")
    parser.add_argument("--json", type=Path, help="file for all that was measured")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--compiled", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)

    if options.work:  # the other side of `Worker`
        contest = Contest(compiled=options.compiled)
        for line in sys.stdin:
            mode, rung = json.loads(line)
            print(json.dumps(contest.run(mode, Rung(*rung))), flush=True)
        return
    if options.profile:
        if not all(os.environ.get(name) == value for name, value in KEPT_HEAP.items()):
            os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEPT_HEAP})
        result: Any = show_profile(Contest(), options.rounds)
    else:
        load, bf16 = os.getloadavg()[0], has_bf16()
        parts = []
        for mode in options.modes:
            rungs = ladder(mode, bf16=bf16)
            if options.ends:
                rungs = [rung for i, rung in enumerate(rungs) if i == 0 or rung.kept_heap]
            first = {process_of(rung): rung for rung in rungs}
            workers = {key: Worker(rung, options.threads) for key, rung in first.items()}
            parts.append(compete(workers, mode, rungs, options.rounds))
            for worker in workers.values():
                worker.close()
        result = {
            "modes": parts,
            "bf16": bf16,
            "threads": options.threads,
            "load": [load, os.getloadavg()[0]],
            "torch": torch.__version__,
        }
        show(result)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
