"""The day itself: fresh list, split, freeze, the event, and the details that are served."""
