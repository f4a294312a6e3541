"""Machines that look for what nobody listed: strange inputs for every door by which a stranger's bytes come in.

    odd        strange values, and changes to good ones
    door       what a door is: how its inputs are made, what must hold when one comes in
    streams, imports, uploads, markup, history, setup, toolcalls     the pure doors, in this process
    running    the doors of the running application, over HTTP
    search     look for inputs that break a door, make them small, write them into `tests/corpus`

Quick in the suite (`test_doors.py`), long with `make fuzz`. An input is always bytes, so that
it can be a file: what once broke a door lies in `tests/corpus/DOOR/` and is tried in each run.
"""
