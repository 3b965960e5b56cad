"""The memory of a program: slots that are needed no more are used again."""

from hypothesis import given
from hypothesis import strategies as st

from engine.native.lower.lowering import _Free


@given(st.lists(st.tuples(st.integers(1, 5), st.randoms(use_true_random=False)), max_size=30))
def test_what_was_given_back_is_one_span_again(wanted: list[tuple[int, object]]) -> None:
    """No slot has two holders, the memory only grows where nothing fits, and no gap is left."""
    free, held = _Free(), list[tuple[int, int]]()
    for size, rng in wanted:
        end, used = free.end, {slot for place, n in held for slot in range(place, place + n)}
        place = free.take(size)
        mine = {*range(place, place + size)}
        assert mine.isdisjoint(used)
        assert mine <= {*range(free.end)}
        gaps = "".join(" #"[slot in used] for slot in range(end)).split("#")
        assert (free.end == end) == (max(map(len, gaps)) >= size)
        assert free.end <= end + size - len(gaps[-1]) * (free.end > end)
        held.append((place, size))
        if rng.random() < 0.5:  # type: ignore[attr-defined]
            free.give(*held.pop(rng.randrange(len(held))))  # type: ignore[attr-defined]
    for span in held:
        free.give(*span)
    assert free.end == 0 or free.take(free.end) == 0
