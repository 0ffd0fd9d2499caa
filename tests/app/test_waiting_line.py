"""A line for each room, served in turn."""

from contextlib import ExitStack

from app.waiting_line import Ticket, WaitingLine


def test_rooms_are_served_in_turn_and_everybody_knows_how_many_come_first() -> None:
    line, served = WaitingLine(1), []
    waiting: dict[str, tuple[Ticket, ExitStack]] = {}
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        stack = ExitStack()
        waiting[name] = stack.enter_context(line.ticket(name[0])), stack
    said = {name: ticket.ahead for name, (ticket, _) in waiting.items()}
    while waiting:
        (name,) = [name for name, (ticket, _) in waiting.items() if ticket.called]
        served.append(name)
        waiting.pop(name)[1].close()
    assert served == ["a1", "b1", "c1", "a2", "b2", "a3"]
    for place, name in enumerate(served):
        assert said[name] == sum(other[0] != name[0] for other in served[:place])


def test_a_room_never_has_two_places() -> None:
    line = WaitingLine(2)
    with line.ticket("a") as first, line.ticket("a") as second, line.ticket("b") as other:
        assert first.called and not second.called and other.called
        assert not second.wait(0.01) and other.wait(0.01)


def test_who_leaves_is_forgotten() -> None:
    line = WaitingLine(1)
    with line.ticket("a"):
        with line.ticket("b"):
            pass
        with line.ticket("c") as left:
            assert left.ahead == 1
    with line.ticket("d") as ticket:
        assert ticket.called
    assert not line._busy and not line._waiting
