"""The client's cache: what was pulled once is not fetched again.

::

    DIR/pushed-2/                 digests of files that were pushed, see :mod:`muniment.transfer.memo`
    DIR/v1/                       0700, of the user alone
      CACHEDIR.TAG                tells backup programs to leave it out
      files/ab/ab12…              a whole file by its sha256, 0444; of the time of its last use is its access time
      files/ab/ab12….seal         how it looked when it was last found right
      manifests/ab/ab12…          a manifest with its chunk map
      versions/{project}/{model}/ab12…   which version a digest was, for pulls without a registry
      incoming/ab12…              a file that is being received, and ``.journal``, what of it has arrived
      locks/ab12…                 held by whoever receives that file

The names are digests, so whose bytes they are is told by whoever may name them: a manifest is had from a registry
that lets its caller read it, or was had before. Nothing here is believed: a file is hashed again when it does not
look as it did, a chunk whenever it is taken out of one.
"""
