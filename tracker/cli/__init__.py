"""The command line, ``eye-tracker``."""
