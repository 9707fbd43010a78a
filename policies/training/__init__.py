"""How policies come about."""
