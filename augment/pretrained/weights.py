"""Where the shipped weights lie."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
DREAM_TRANSFER = FOLDER / "dream_transfer"
"""A small `augment.dream_transfer.pipeline.DreamTransferPipeline`."""
DEPTH_NET = FOLDER / "depth_net"
"""A `augment.video_metrics.depth_net.DepthNet`; errors.json has its errors."""
