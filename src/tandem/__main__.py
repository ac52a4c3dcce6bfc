"""`python -m tandem` is the `tandem` command."""

from tandem.site.cli import main

main()
