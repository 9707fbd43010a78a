"""Scripted experts: the motion primitives that the tasks' experts are written in."""
