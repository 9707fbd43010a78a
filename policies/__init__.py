"""Who acts: the policy interface, the registry of policies, and the policies themselves."""
