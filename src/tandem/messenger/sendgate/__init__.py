"""Send Gate: an address is asked before a sending leaves; it may reject messages and add values to them."""
