"""All texts that a person reads, in English and Korean."""
