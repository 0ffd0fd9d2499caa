"""Many people at one server: what they wait, whether they see each other, what memory it takes."""
