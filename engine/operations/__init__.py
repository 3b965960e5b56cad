"""Operations beyond the core's, in the same table: each file a page of rows with their words."""

__all__: list[str] = []
