"""Cutting files into chunks so that what did not change between versions is the same chunk again.

How a file was cut is told beside its chunks by a name with a number; whoever changes what is cut where gives it
another number. Readers need none of this: chunks are stored with their sizes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from pyfastcdc import FastCDC

from muniment.tensor_header import UntrueHeader
from muniment.transfer.safetensors import Extent, Layout, read_layout
from muniment.transfer.slabs import SLAB_BYTES, Region, Slabs
from muniment.transfer.source import SourceFile

MIB = 1024 * 1024

WHOLE = "whole/1"
"""One chunk."""
TENSORS = "tensors/1"
"""The header, each tensor of a MiB or more, and each run of smaller ones is a region; regions are cut every 2 MiB.
A header that grows moves all tensors and changes none of their chunks."""
TENSORS_LARGE = "tensors-8m/1"
"""The same, cut every 8 MiB, for what would be too many chunks otherwise."""
CONTENT = "fastcdc-1m/1"
"""Content-defined, 1 MiB on average, 256 KiB to 4 MiB: what is inserted changes the chunks around it alone."""
CONTENT_LARGE = "fastcdc-4m/1"
"""The same with 4 MiB on average, from 1 MiB to 16 MiB, for what would be too many chunks otherwise."""
FIXED = "fixed/1"
"""Cut every so many bytes, where a registry takes no chunks as large as the others make."""

REGION_BYTES = 2 * MIB
"""A change of three megabytes within a tensor costs five. With 8 MiB it would cost eleven, and five versions of
300 MB that differ by a hundredth each 15 % more than one."""
LARGE_REGION_BYTES = 8 * MIB
LARGE_TENSOR = MIB
SMALL_FILE = 4 * MIB


@dataclass(frozen=True, slots=True)
class Run:
    """Chunks that follow each other, with their bytes in memory that whoever takes the run gives back.

    Attributes:
        offset: of the first chunk in the file.
        region: holds the bytes of all of them, and perhaps some more.
        data: their bytes.
        sizes: of each.
    """

    offset: int
    region: Region
    data: memoryview
    sizes: Sequence[int]


@dataclass(frozen=True, slots=True)
class Cut:
    """How a file is cut: the name of the way, and the chunks of the file, in order."""

    name: str
    runs: Iterator[Run]


def cut_file(
    source: SourceFile, descriptor: int, *, slabs: Slabs, max_chunk_bytes: int, coarse: bool = False
) -> Cut:
    """Cut an open file.

    Args:
        source: what is cut.
        descriptor: the file, open for reading.
        slabs: memory to read into; a run that is not given back may keep the next one waiting.
        max_chunk_bytes: the largest chunk the registry takes.
        coarse: whether there is so much to cut that chunks must be larger.
    """
    reader = _Reader(source, descriptor, slabs)
    layout = reader.layout() if source.path.endswith(".safetensors") else None
    region_bytes = min(LARGE_REGION_BYTES if coarse else REGION_BYTES, max_chunk_bytes)
    if layout is not None:
        return Cut(
            TENSORS_LARGE if coarse else TENSORS,
            reader.extents(_every(region_bytes, tensor_regions(layout, source.size))),
        )
    if source.size <= min(SMALL_FILE, max_chunk_bytes):
        return Cut(WHOLE, reader.extents([Extent(0, source.size)] if source.size else []))
    average = 4 * MIB if coarse else MIB
    if max_chunk_bytes < 4 * average:
        return Cut(FIXED, reader.extents(_every(region_bytes, [Extent(0, source.size)])))
    cutter = FastCDC(average, min_size=average // 4, max_size=4 * average, normalized_chunking=1, seed=0)
    return Cut(CONTENT_LARGE if coarse else CONTENT, reader.by_content(cutter))


def tensor_regions(layout: Layout, size: int) -> Iterator[Extent]:
    """The header, each large tensor, and each run of what lies between, in order; together they are the file."""
    header, end = Extent(0, layout.data_start), Extent(size, size)
    large = (extent for extent in layout.tensors.values() if extent.size >= LARGE_TENSOR)
    start = 0
    for extent in chain([header], large, [end]):
        if extent.start > start:
            yield Extent(start, extent.start)
        if extent.size:
            yield extent
        start = extent.end


def _every(step: int, extents: Iterable[Extent]) -> Iterator[Extent]:
    for extent in extents:
        for start in range(extent.start, extent.end, step):
            yield Extent(start, min(start + step, extent.end))


def _gathered(extents: Iterable[Extent]) -> Iterator[tuple[int, list[int]]]:
    """Where as many extents begin as fit into a slab, and their sizes."""
    start, sizes = 0, list[int]()
    for extent in extents:
        if sizes and extent.end - start > SLAB_BYTES:
            yield start, sizes
            sizes = []
        if not sizes:
            start = extent.start
        sizes.append(extent.size)
    if sizes:
        yield start, sizes


class _Reader:
    """Reads a file that must not become shorter meanwhile."""

    def __init__(self, source: SourceFile, descriptor: int, slabs: Slabs) -> None:
        self._source = source
        self._descriptor = descriptor
        self._slabs = slabs

    def layout(self) -> Layout | None:
        """Where tensors are, if the file is one of tensors."""
        try:
            return read_layout(self._some, self._source.size)
        except UntrueHeader:
            return None

    def _some(self, offset: int, length: int) -> bytes:
        parts = bytearray(length)
        count = self._fill(memoryview(parts), offset)
        return bytes(parts[:count])

    def extents(self, extents: Iterable[Extent]) -> Iterator[Run]:
        """Read extents that follow each other."""
        for offset, sizes in _gathered(extents):
            region = self._region(offset, sum(sizes))
            yield Run(offset, region, region.data, sizes)

    def by_content(self, cutter: FastCDC) -> Iterator[Run]:
        """Cut slab after slab. The last chunk of a slab ends where the slab does, by chance: unless that is the
        end of the file, it is cut again at the beginning of the next."""
        offset = 0
        while offset < self._source.size:
            region = self._region(offset, min(SLAB_BYTES, self._source.size - offset))
            sizes = self._cut(cutter, region.data)
            if offset + len(region.data) < self._source.size and len(sizes) > 1:
                sizes.pop()
            run = Run(offset, region, region.data[: sum(sizes)], sizes)
            yield run
            offset += len(run.data)

    def _cut(self, cutter: FastCDC, view: memoryview) -> list[int]:
        return [chunk.length for chunk in cutter.cut_buf(view)]

    def _region(self, offset: int, size: int) -> Region:
        region = self._slabs.take(size)
        if self._fill(region.data, offset) < size:
            region.close()
            raise self._source.changed("became shorter")
        return region

    def _fill(self, view: memoryview, offset: int) -> int:
        done = 0
        while done < len(view) and (count := os.preadv(self._descriptor, [view[done:]], offset + done)):
            done += count
        return done
