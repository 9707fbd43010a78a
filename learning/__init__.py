"""How networks learn: what trainings have in common, whatever it is that learns."""
