"""One settings module per half."""
