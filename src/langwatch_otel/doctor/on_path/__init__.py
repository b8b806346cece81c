"""The folder that stands first on PYTHONPATH of what the doctor starts; nothing here needs more than Python."""
