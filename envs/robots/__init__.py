"""The robot: description, shapes, kinematics, and driving it in a scene."""
