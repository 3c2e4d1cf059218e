"""Work with many recordings: folders, cohorts, comparisons and sweeps of parameters."""
