"""Memory that files are read into, hashed in and sent from: every byte is read once.

Hashing is faster than sending. It waits while all of this memory holds bytes that are still to be sent, so it is
never so far ahead that they have to be read again, unless that would keep the next large file from being sent.
"""

from __future__ import annotations

import threading

SLAB_BYTES = 16 * 1024 * 1024
"""No chunk is larger, so each lies in one slab; a slab holds many small files."""
MOST_SLABS = 4
"""Of one push: a sender and the hasher have two each."""
OWN_SLABS = 2
"""Which every push may take, however many others there are in the process: it gets on with these."""
SHARED_SLABS = 8
"""Beyond their own, all pushes of the process together."""


class SlabBudget:
    """How many slabs beyond their own the pushes of a process may still take."""

    def __init__(self, slabs: int = SHARED_SLABS) -> None:
        self.left = slabs
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one, if there is one."""
        with self._lock:
            self.left -= bool(found := self.left > 0)
            return found

    def give_back(self, count: int) -> None:
        """So many are not used any more."""
        with self._lock:
            self.left += count


_OF_THE_PROCESS = SlabBudget()


class Region:
    """Some bytes of a slab, for as long as somebody uses them.

    Attributes:
        data: the bytes.
        is_kept: whether others than the taker may use them; else they are gone when more is taken.
    """

    def __init__(self, slabs: Slabs, slab: _Slab, data: memoryview, *, is_kept: bool = True) -> None:
        self.data = data
        self.is_kept = is_kept
        self._slabs = slabs
        self._slab = slab

    def share(self, count: int) -> None:
        """So many more use it."""
        self._slabs.use(self._slab, count)

    def close(self) -> None:
        """One of its users does not any more."""
        self._slabs.use(self._slab, -1)


class _Slab:
    def __init__(self, size: int) -> None:
        self.memory = memoryview(bytearray(size))
        self.taken = 0
        self.users = 0


class Slabs:
    """As many slabs as one push may take. One thread takes from them, any may give back.

    Attributes:
        is_patient: whether to wait while all are in use; else bytes go where nobody but the taker may use them.
    """

    def __init__(
        self, *, size: int = SLAB_BYTES, most: int = MOST_SLABS, budget: SlabBudget = _OF_THE_PROCESS
    ) -> None:
        """Nothing is allocated yet."""
        self.is_patient = True
        self._size = size
        self._most = most
        self._changed = threading.Condition()
        self._current: _Slab | None = None
        self._free: list[_Slab] = []
        self._spare: _Slab | None = None
        self._made = 0
        self._borrowed = 0
        self._budget = budget
        self._abandoned = False

    def take(self, size: int) -> Region:
        """Room for so many bytes, at most a slab. The caller is its first user."""
        with self._changed:
            slab = self._current
            if slab is None or slab.taken + size > self._size:
                # Whoever ends to use it while others are waited for gives it back like any other.
                self._current = None
                if not (self.is_patient or self._has_room()):
                    self._spare = self._spare or _Slab(self._size)
                    return Region(self, self._spare, self._spare.memory[:size], is_kept=False)
                slab = self._current = self._next()
            data = slab.memory[slab.taken : slab.taken + size]
            slab.taken += size
            slab.users += 1
            return Region(self, slab, data)

    def use(self, slab: _Slab, count: int) -> None:
        """Somebody begins or ends to use bytes of a slab."""
        with self._changed:
            if slab is self._spare:
                return
            slab.users += count
            if not slab.users:
                # The one used last is filled next: it may still be in the processor's cache.
                slab.taken = 0
                if slab is not self._current:
                    self._free.append(slab)
                    self._changed.notify()

    def abandon(self) -> None:
        """Nothing more is sent, so that nothing more may be given back: nobody waits for it from now on."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def close(self) -> None:
        """The push is over: what it took beyond its own is for others. Nobody takes from here any more."""
        with self._changed:
            borrowed, self._borrowed = self._borrowed, 0
        self._budget.give_back(borrowed)

    def _has_room(self) -> bool:
        """Whether nobody would have to wait; another push may be faster."""
        return (
            bool(self._free)
            or self._abandoned
            or (self._made < self._most and (self._made < OWN_SLABS or self._budget.left > 0))
        )

    def _next(self) -> _Slab:
        while not self._free:
            if self._abandoned or self._made < min(OWN_SLABS, self._most) or self._borrow():
                self._made += 1
                return _Slab(self._size)
            # Nobody tells when the budget has room again. One of our own is given back sooner or later.
            self._changed.wait()
        return self._free.pop()

    def _borrow(self) -> bool:
        borrowed = self._made < self._most and self._budget.take()
        self._borrowed += borrowed
        return borrowed
