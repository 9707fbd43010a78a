"""A training in two processes, as torchrun and `accelerate launch` start them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from learning.curve import read_curve


def test_processes_have_the_same_weights_and_share_the_samples(demonstrations, tmp_path):
    script = Path(__file__).with_name("train_in_processes.py")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *launch, str(script), str(demonstrations), str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    first, second = (
        json.loads((tmp_path / f"process_{rank}.json").read_text()) for rank in range(2)
    )
    # New weights after 2, 4 and 6 of 7 steps. One process makes them, for all.
    assert len(first["weights"]) == 3
    assert all(abs(each[0] - each[1]) > 0.01 for each in first["weights"])
    assert first["weights"] == second["weights"]
    # A step's samples are those of one process, each seen by one of the two.
    for number, wanted in enumerate(map(sorted, first["wanted"])):
        parts = [each["batches"][number] for each in (first, second)]
        assert [[len(batch) for batch in part] for part in parts] == [[2, 2], [2, 2]]
        assert sorted(sample for part in parts for batch in part for sample in batch) == wanted
    shares = [row.get("effective_share") for row in read_curve(tmp_path / "run" / "curve.csv")]
    assert sum(share is not None for share in shares) == 3
