"""DreamTransfer (EMMA, arXiv 2509.22407): other appearances for videos whose geometry stays.

The paper's text was not at hand and no code is public. What is known: a latent video diffusion
transformer with a parallel ControlNet branch that reads multi-view depth, all views generated
jointly, guided by text. What is not known is filled in as neighbours of the same group do it, and
called a reconstruction where it is.
"""
