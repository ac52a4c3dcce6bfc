"""The way past one machine: hand-over to KumoMTA's HTTP injection API, message by message or by blocks."""
