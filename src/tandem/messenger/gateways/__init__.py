"""Gateways: where SMS are handed over, how they are asked, what their answers mean, and what they call back with."""
