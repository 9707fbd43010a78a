"""The policies that are shipped: trained on two CPU cores, ready to be evaluated."""
