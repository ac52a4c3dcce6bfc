"""Mail that comes back: bounces, complaints, automatic replies; what each says about a message and its recipient."""
