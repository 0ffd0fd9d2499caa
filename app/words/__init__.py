"""What the app says: sentences by key, in the languages of page/languages/, and the report card."""
