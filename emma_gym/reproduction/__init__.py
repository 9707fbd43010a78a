"""The papers' tables by command: what is collected, trained and evaluated for them."""
