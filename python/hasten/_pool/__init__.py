"""The process pool: what of it is best said in Python. The engine is ``src/hasten/pool``.

``pool`` has the class that users see, ``calls`` those of its methods that the pools of clusters have, too, ``terms``
what is checked of options, ``crew`` the workers and the threads that wait, ``results`` what calls return, ``pickling``
how tasks and results travel, and ``worker`` what runs in the worker processes.
"""
