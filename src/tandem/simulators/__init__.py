"""Small stand-ins of each half for integrators and tests: no database, data made from a seed, faults on request."""
