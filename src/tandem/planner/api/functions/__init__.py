"""What the functions of the vendor's API do, a module per group."""
