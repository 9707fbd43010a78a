"""Training of DreamTransfer: its VAE, then transformer, text encoder and ControlNet branch."""
