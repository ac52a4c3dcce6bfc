"""Groups a marketer would not have found: searched on one half of the customers, confirmed on the other."""
