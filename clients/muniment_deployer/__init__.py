"""The reference deployment controller: one process keeps one directory equal to one stage of one model.

It watches the registry, and for each move of the stage pointer it pulls the version, checks its bytes,
brings it up, and only then lets it take over; what ran before keeps running until that moment, and after it
when anything goes wrong.

Read it in this order: ``controller`` (the loop), ``supply``, ``versions`` and ``state`` (what is on disk),
``reports`` (what the registry is told), and for ``--serve`` ``endpoint`` (HTTP), ``slot`` (which worker
answers) and ``worker`` (the only process that unpickles).
"""
