import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from emma_gym import doctor

Probe = doctor.vulkan.ProbeResult

GOOD_PROBE = Probe(
    True, device="llvmpipe", software=True, first_frame_s=5.0, frames_per_s=200.0, driver="/x.json"
)
GOOD = {
    "package": {"version": "0.1"},
    "physics": {"version": "3.0.3", "height_m": 0.1, "steps_per_s": 80000.0},
    "torch": {"version": "2.13.0+cpu", "cuda": ""},
}


@pytest.fixture(autouse=True)
def healthy_machine(monkeypatch):
    monkeypatch.setattr(doctor.vulkan, "probe", lambda: GOOD_PROBE)
    monkeypatch.setattr(doctor.vulkan, "read_record", lambda: None)
    monkeypatch.setattr(doctor.vulkan, "nvidia_gpu_present", lambda: False)
    monkeypatch.setattr(doctor, "measured", lambda name: GOOD[name])
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)


def by_name(checks):
    return {check.name: check for check in checks}


def test_all_is_well_on_a_healthy_machine(capsys):
    assert doctor.main([]) == 0
    assert "Everything runs here." in capsys.readouterr().out
    assert {check.status for check in doctor.examine()} <= {"ok", "note"}


def test_json_tells_the_same(capsys):
    assert doctor.main(["--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert [each["name"] for each in report["checks"]] == [c.name for c in doctor.examine()]


@pytest.mark.parametrize("broken", sorted(GOOD))
def test_the_main_job_cannot_run_without(monkeypatch, capsys, broken):
    monkeypatch.setattr(
        doctor, "measured", lambda name: {"error": "no [x]"} if name == broken else GOOD[name]
    )
    assert doctor.main([]) == 1
    said = capsys.readouterr().out
    assert "cannot run here" in said
    assert "no [x]" in said
    (check,) = [check for check in doctor.examine() if check.status == "error"]
    assert check.found == "no [x]"
    assert "make setup" in check.todo


def test_no_driver_is_a_warning_that_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(doctor.vulkan, "probe", lambda: Probe(False, error="no device"))
    assert doctor.main([]) == 0
    assert "warning" in capsys.readouterr().out
    check = by_name(doctor.examine())["Rendering"]
    assert check.status == "warning"
    assert "no device" in check.found
    assert check.todo == doctor.vulkan.RENDERING_HELP


def test_a_driver_that_could_not_be_installed_says_why(monkeypatch):
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.delenv(name, raising=False)
    record = doctor.vulkan.DriverRecord("", (), "", False, Probe(False, error="apt-get failed"))
    check = doctor.check_driver(record, Probe(False, error="no device"))
    assert check.status == "warning"
    assert "apt-get failed" in check.found
    assert doctor.check_driver(record, GOOD_PROBE).status == "ok"  # installed by hand since then


def test_variables_that_name_no_working_driver_are_blamed(monkeypatch):
    monkeypatch.setenv("VK_DRIVER_FILES", "/nowhere.json")
    assert doctor.check_driver(None, GOOD_PROBE).status == "ok"
    check = doctor.check_driver(None, Probe(False, error="no device"))
    assert check.status == "warning"
    assert "/nowhere.json" in check.found


def test_a_missing_library_of_sapien_is_named():
    check = doctor.check_physics({"error": "ImportError: libX11.so.6: cannot open shared object"})
    assert check.status == "error"
    assert "libx11-6" in check.todo


def test_physics_that_lets_a_box_fall_through_is_an_error():
    assert doctor.check_physics(GOOD["physics"] | {"height_m": -30.0}).status == "error"


def test_software_rendering_on_a_machine_with_a_gpu_is_noted(monkeypatch):
    monkeypatch.setattr(doctor.vulkan, "nvidia_gpu_present", lambda: True)
    checks = by_name(doctor.examine())
    assert "libnvidia-gl" in checks["Vulkan device"].todo
    assert "CUDA" in checks["torch"].todo


def test_slow_rendering_is_noted():
    probe = Probe(True, device="llvmpipe", first_frame_s=20.0, frames_per_s=4.0)
    assert by_name(doctor.check_rendering(probe))["Rendering"].status == "note"


@pytest.mark.parametrize(
    ("script", "status", "found"),
    [
        ("echo 'NVIDIA H200, 580.1'", "ok", "H200"),
        ("exit 9", "note", "exit status 9"),
    ],
)
def test_nvidia_smi(monkeypatch, tmp_path, script, status, found):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: str(tool))
    check = doctor.check_gpu()
    assert check.status == status
    assert found in check.found


def test_the_table_shows_text_in_brackets():
    out = io.StringIO()
    doctor.show([doctor.Check("a", "error", "[red]x[/red]", "[y]")], Console(file=out))
    assert "[red]x[/red]" in out.getvalue()
    assert "[y]" in out.getvalue()


def test_physics_is_measured_in_a_process_of_its_own():
    command = [sys.executable, doctor.__file__, "--measure", "physics"]
    child = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(child.stdout.splitlines()[-1])
    assert answer["height_m"] == pytest.approx(0.1, abs=1e-3)
    assert answer["steps_per_s"] > 1000
    assert doctor.check_physics(answer).status == "ok"
