"""From pixels to the patches that the model reads."""
