"""What changes the data: generative augmentation and replay weighting. Empty until they exist."""
