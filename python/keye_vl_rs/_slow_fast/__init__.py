"""Which frames are slow and which fast, and their sizes under the token budget."""
