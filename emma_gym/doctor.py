"""Tells what works on this machine, and what to do about each thing that does not.

    python -m emma_gym.doctor [--json]

The main job, evaluating on state observations, needs SAPIEN's physics and the package: without
them the exit status is 1. Without a Vulkan driver there are no pictures, and all else still runs;
that is a warning. Whatever may crash or hang is tried in a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from envs import vulkan
else:  # by its path: the package `envs` imports SAPIEN, which is what may not work
    _path = Path(importlib.util.find_spec("envs").origin).with_name("vulkan.py")
    _spec = importlib.util.spec_from_file_location("emma_gym_doctor_vulkan", _path)
    vulkan = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(vulkan)

Status = Literal["ok", "note", "warning", "error"]

_SLOW_FRAMES_PER_S = 60.0  # below this even two cores without a GPU are slow (they reach 150-300)
_STYLES: dict[Status, str] = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "red"}


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: What was looked at.
        status: "error" if the main job cannot run, "warning" if something else cannot, "note" if
            all runs but could run better.
        found: What was found, in one line.
        todo: What to do about it, in one line; empty if nothing.
    """

    name: str
    status: Status
    found: str
    todo: str = ""


def measure_package() -> dict[str, Any]:
    """Imports what the main job runs, in this process."""
    importlib.import_module("emma_gym.evaluation_command")
    return {"version": importlib.metadata.version("emma-gym")}


def measure_physics(n_steps: int = 2000) -> dict[str, Any]:
    """Lets a box fall onto the ground, in this process.

    Args:
        n_steps: Physics steps of 1/250 s.
    """
    vulkan.configure()
    import sapien

    # No render system: that would need a Vulkan driver.
    scene = sapien.Scene([sapien.physx.PhysxCpuSystem()])
    scene.set_timestep(1 / 250)
    scene.add_ground(0.0, render=False)
    builder = scene.create_actor_builder()
    builder.add_box_collision(half_size=[0.1, 0.1, 0.1])
    builder.set_initial_pose(sapien.Pose([0.0, 0.0, 0.5]))
    box = builder.build()
    started = time.perf_counter()
    for _ in range(n_steps):
        scene.step()
    return {
        "version": sapien.__version__,
        "height_m": float(box.pose.p[2]),
        "steps_per_s": n_steps / (time.perf_counter() - started),
    }


def measure_torch() -> dict[str, Any]:
    """Imports torch in this process and looks for a GPU that it can use."""
    import torch

    cuda = torch.cuda.is_available()
    return {"version": torch.__version__, "cuda": torch.cuda.get_device_name() if cuda else ""}


_MEASUREMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "package": measure_package,
    "physics": measure_physics,
    "torch": measure_torch,
}


def measured(name: str) -> dict[str, Any]:
    """Runs one of the `measure_...` functions in a subprocess, by the rest of its name."""
    return vulkan.ask([__file__, "--measure", name], timeout_s=120.0)


def check_machine() -> Check:
    """Looks at Python and the processor."""
    found = f"Python {platform.python_version()}, {platform.machine()}, {_n_cores()} cores"
    return Check("Machine", "ok", found)


def check_package(answer: dict[str, Any]) -> Check:
    """Judges what `measure_package` found."""
    if "error" in answer:
        return Check("EMMA-Gym", "error", answer["error"], "Run `make setup`.")
    return Check("EMMA-Gym", "ok", answer["version"])


def check_physics(answer: dict[str, Any]) -> Check:
    """Judges what `measure_physics` found."""
    name = "SAPIEN physics"
    if "error" in answer:
        todo = (
            "Run `make setup` (SAPIEN >= 3.0.3 has wheels for x86-64 Linux, Python 3.10 or newer)."
        )
        if "shared object" in answer["error"]:
            todo = "Run `make vulkan`, which brings that library too, or install it (libx11-6)."
        return Check(name, "error", answer["error"], todo)
    if abs(answer["height_m"] - 0.1) > 0.005:
        found = f"{answer['version']}, but a box dropped on the ground is at {answer['height_m']} m"
        return Check(name, "error", found, "Install SAPIEN anew: `make clean setup`.")
    return Check(name, "ok", f"{answer['version']}, {answer['steps_per_s']:,.0f} steps/s (one box)")


def check_gpu() -> Check:
    """Asks NVIDIA's own tool for a GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Check("GPU", "ok", "no NVIDIA GPU (none is needed)")
    query = [tool, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        child = subprocess.run(query, capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return Check("GPU", "warning", "nvidia-smi hangs", "Restart the machine or its driver.")
    lines = child.stdout.strip().splitlines()
    if child.returncode or not lines:
        found = f"nvidia-smi finds none (exit status {child.returncode})"
        return Check("GPU", "note", found, "If there is one, install its driver anew.")
    return Check("GPU", "ok", "; ".join(lines))


def check_driver(record: vulkan.DriverRecord | None, result: vulkan.ProbeResult) -> Check:
    """Tells where the Vulkan driver comes from."""
    name = "Vulkan driver"
    chosen = os.environ.get("VK_DRIVER_FILES") or os.environ.get("VK_ICD_FILENAMES")
    if chosen:
        found = f"VK_DRIVER_FILES={chosen}"
        if result.ok:
            return Check(name, "ok", found)
        return Check(name, "warning", f"{found}, which does not work", "Correct or unset it.")
    if record is None:
        todo = "Run `make vulkan` if pictures fail below."
        return Check(name, "note", "whatever the machine offers (no choice recorded)", todo)
    if not record.probe.ok and not result.ok:
        return Check(name, "warning", f"none ({record.probe.error})", "Run `make vulkan` again.")
    if record.driver_files:
        path = vulkan.driver_folder() / record.driver_files
        return Check(name, "ok", f"{record.package or 'lavapipe alone'}: {path}")
    return Check(name, "ok", record.package or "the machine's own")


def check_rendering(result: vulkan.ProbeResult) -> list[Check]:
    """Judges what the probe of the driver found: the device, and how fast it is."""
    if not result.ok:
        found = f"no pictures ({result.error}); state observations, experts, verification still run"
        return [Check("Rendering", "warning", found, vulkan.RENDERING_HELP)]
    found = (
        f"first frame {result.first_frame_s:.1f} s, then {result.frames_per_s:.0f} frames/s "
        "of 320 x 240 (one box)"
    )
    device = Check("Vulkan device", "ok", result.device)
    if result.software and vulkan.nvidia_gpu_present():
        todo = (
            "To render on the GPU install libnvidia-gl of your driver's version (containers: "
            "NVIDIA_DRIVER_CAPABILITIES=all; MIG slices cannot), then run `make vulkan`."
        )
        device = Check("Vulkan device", "note", f"{result.device}, not the GPU", todo)
    if result.frames_per_s < _SLOW_FRAMES_PER_S:
        todo = "See whether other work keeps the processor busy; fewer or smaller cameras help."
        return [device, Check("Rendering", "note", found, todo)]
    return [device, Check("Rendering", "ok", found)]


def check_threads(result: vulkan.ProbeResult) -> Check | None:
    """Looks at the software driver's threads, of which several workers would have too many."""
    if not result.software:
        return None
    threads = os.environ.get("LP_NUM_THREADS", "")
    found = f"LP_NUM_THREADS={threads or 'unset'}, {_n_cores()} cores"
    return Check("Rendering threads", "ok", f"{found} (with a worker per core, 1 is fastest)")


def check_torch(answer: dict[str, Any]) -> Check:
    """Judges what `measure_torch` found."""
    if "error" in answer:
        return Check("torch", "error", answer["error"], "Run `make setup`.")
    if answer["cuda"]:
        return Check("torch", "ok", f"{answer['version']} on {answer['cuda']}")
    if vulkan.nvidia_gpu_present():
        todo = (
            "Install a build of torch for CUDA to run policies on the GPU (pytorch.org names it)."
        )
        return Check("torch", "note", f"{answer['version']}, cannot use the GPU", todo)
    return Check("torch", "ok", f"{answer['version']} on the CPU")


def examine() -> list[Check]:
    """Makes all checks, in the order in which one thing needs another."""
    result = vulkan.probe()
    checks = [
        check_machine(),
        check_package(measured("package")),
        check_physics(measured("physics")),
        check_gpu(),
        check_driver(vulkan.read_record(), result),
        *check_rendering(result),
        check_threads(result),
        check_torch(measured("torch")),
    ]
    return [check for check in checks if check is not None]


def show(checks: list[Check], console: Console) -> None:
    """Prints the checks as a table, and what follows from them."""
    table = Table("", "Found", "What to do", title="EMMA-Gym on this machine", title_justify="left")
    for check in checks:
        mark = f"[{_STYLES[check.status]}]{check.status}[/]"
        table.add_row(f"{check.name}\n{mark}", escape(check.found), escape(check.todo))
    console.print(table)
    if any(check.status == "error" for check in checks):
        console.print("[red]The main job (python -m emma_gym.evaluate) cannot run here.[/]")
    elif any(check.status == "warning" for check in checks):
        console.print("[yellow]The main job runs here; what is marked as a warning does not.[/]")
    else:
        console.print("[green]Everything runs here.[/]")


def _n_cores() -> int:
    """Returns how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m emma_gym.doctor", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--measure", choices=_MEASUREMENTS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:  # the subprocess of `measured`
        print(json.dumps(_MEASUREMENTS[options.measure]()))
        return 0
    checks = examine()
    ok = not any(check.status == "error" for check in checks)
    if options.json:
        print(json.dumps({"ok": ok, "checks": [dataclasses.asdict(c) for c in checks]}, indent=2))
    else:
        show(checks, Console())
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
