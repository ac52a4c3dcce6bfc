"""Templates of the messenger, read and previewed."""
