"""One file for each question a user can ask: it reads, computes and writes by calling lower layers, and prints nothing.

``tasks/NAME.py`` has a frozen ``NameRequest``, a function ``name(request)``, and the result that it returns, which
prints itself as text. ``cli/NAME.py`` turns arguments into the request, and ``api/`` offers the function from Python.
Neither mathematics nor sentences belong here.
"""
