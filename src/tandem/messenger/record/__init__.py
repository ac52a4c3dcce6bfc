"""The record: who got what, when, why not; that the numbers add up; how long single rows are kept."""
