"""The five models: what they answer, how one of several methods is chosen by back-test, and what was found out."""
