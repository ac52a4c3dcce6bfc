"""SMS that come back: delivery receipts, what people write to us, keywords and their answers."""
