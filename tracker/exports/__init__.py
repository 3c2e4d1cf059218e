"""Results in the formats of other programs: BIDS, FHIR, Excel and NDJSON.

What is exported is what `analyze` wrote: nothing is measured anew.
"""
