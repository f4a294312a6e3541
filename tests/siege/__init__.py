"""A stranger beside five honest visitors: what do these notice?

    honest     visitors who ask and swap at a human pace, and time each first word
    stranger   every kind of attack in rotation, in a process of its own
    measure    memory, disk, signs of life and the log, all the while

`python -m tests.siege --minutes 10`, or `make siege`. The scripted provider has a process of its own too.
"""
