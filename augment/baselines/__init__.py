"""Cheaper ways to change how episodes look, which generated videos are compared with.

color_jitter        one shift of colors for the whole picture
random_background   the room in other textures
re_rendering        the simulator itself: what no generator of pictures can surpass
"""
