"""A statement as the driver takes it: written out once, then only filled in.

SQLAlchemy looks at a statement anew each time it is executed; for a commit of a row or two that
costs more than the database does.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Dialect, Executable, Insert
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement


class Prepared:
    """One statement, for rows that all have the same columns."""

    def __init__(self, statement: Executable, columns: Collection[str], dialect: Dialect) -> None:
        self._statement = statement
        if isinstance(statement, Insert):
            # Else it would return the new row's number, whether anybody asks for that or not.
            statement = statement.inline()
        clause = cast(ClauseElement, statement)
        compiled = cast(SQLCompiler, clause.compile(dialect=dialect, column_keys=list(columns)))
        self._sql = compiled.string
        self._returns_rows = bool(compiled.effective_returning)
        # The order of the question marks; none where the driver takes names.
        self._order = compiled.positiontup
        binds = {name: bind for bind, name in compiled.bind_names.items()}
        self._fixed = {name: bind.value for name, bind in binds.items() if not bind.required}
        for column in compiled.prefetch:
            self._fixed[column.key] = getattr(column.default, "arg", None)
        self._processors = {
            name: process
            for name, bind in binds.items()
            if (process := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }

    def execute(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]]
    ) -> CursorResult[Any]:
        """Execute it for these rows."""
        if self._returns_rows and len(rows) > 1:
            # What many rows return comes in pieces, which SQLAlchemy puts together.
            return connection.execute(self._statement, rows)
        filled = []
        for row in rows:
            values = {**self._fixed, **row}
            for name, process in self._processors.items():
                values[name] = process(values[name])
            order = self._order
            filled.append(values if order is None else tuple([values[name] for name in order]))
        return connection.exec_driver_sql(self._sql, filled[0] if len(filled) == 1 else filled)
