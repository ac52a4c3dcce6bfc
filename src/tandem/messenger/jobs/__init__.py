"""Generation jobs: a file of recipients becomes contacts of a list, and one message to each of them."""
