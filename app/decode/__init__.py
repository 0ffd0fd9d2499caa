"""Media in child processes. Empty, so that a fork server confines itself before it imports more."""
