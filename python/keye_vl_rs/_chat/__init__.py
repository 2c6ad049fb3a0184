"""From messages to content parts, the prompt and token ids."""
