"""One file for each question a user can ask: it reads, computes and writes by calling the rooms below, prints nothing.

``tasks/NAME.py`` has a frozen ``NameRequest``, a function ``name(request)``, and the result that it returns, which
prints itself in words. ``cli/NAME.py`` turns words into the request, and ``api/`` offers the function from Python.
Neither mathematics nor sentences belong here.
"""
