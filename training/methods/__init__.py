"""Other meta-learners that the same LITE step trains; none of them is shipped."""
