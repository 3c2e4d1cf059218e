"""Attacks on the API: a short run of each in `make test`, a long one by `make attack`."""
