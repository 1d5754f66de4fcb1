"""Autoencoders that train live: the back end of the dashboard, usable on its own.

`aecore.service` is the one door for pages and the command line; TensorFlow is imported only where a model
is trained (`aecore.models`, `aecore.training`).
"""

__version__ = "0.1.0"
