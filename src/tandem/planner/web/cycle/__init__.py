"""The daily cycle in pictures: today, and the last days."""
