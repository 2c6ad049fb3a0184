"""How many frames of a video are sampled, which, and when they are shown."""
