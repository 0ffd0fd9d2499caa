"""The one error that a person can do something about."""


class InputError(ValueError):
    """What a person gave us cannot be used; the message is one sentence that says what to do."""
