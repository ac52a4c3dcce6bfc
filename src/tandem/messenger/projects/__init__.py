"""Projects, triggers and their versions; the template compiler."""
