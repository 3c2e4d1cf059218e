"""Many recordings: folders, cohorts, comparisons and parameter sweeps."""
