"""Target groups: conditions to count, sample, list and 'why not this person'."""
