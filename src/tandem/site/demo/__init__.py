"""The demonstration: sample data and one campaign the whole way."""
