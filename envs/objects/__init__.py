"""Things on the table: what they are made of, and parametric families of them."""
