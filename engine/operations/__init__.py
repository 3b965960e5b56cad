"""Operations beyond the core's, in the same table: each file a page of rows with their words.

Whoever adds a row adds it to one of these files. The function of its name, and the method, are made
of it; native code, pictures and derivatives of any order read the row.
"""

__all__: list[str] = []
