"""A view in the place of a table: other views stand on a table, and roles have rights to each.

For migrations from 0009 on; what it does stays as it is, as they do.
"""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import text


def put_in_place(view: str, *, of: str, made_by: str) -> None:
    """Drop the table of a view's name, and make the view, which is one `of` another table.

    On PostgreSQL, the rights to the table become rights to the other one, those to read it
    rights to the view too; views that stand on it are made again, with the rights to them.
    """
    if op.get_bind().dialect.name == "postgresql":
        _on_postgres(view, of, made_by)
    else:
        op.execute(f"DROP TABLE {view}")
        op.execute(made_by)


def _on_postgres(view: str, of: str, made_by: str) -> None:
    others = _asked(_VIEWS, name=view)
    rights = {name: _asked(_RIGHTS, name=name) for name in (view, *dict(others))}
    for name, _ in others:
        op.execute(f"DROP VIEW {name}")
    op.execute(f"DROP TABLE {view}")
    op.execute(made_by)
    _grant(of, rights[view])
    _grant(view, [one for one in rights[view] if one[0] == "SELECT"])
    for name, query in others:
        op.execute(f"CREATE VIEW {name} AS {query}")
        _grant(name, rights[name])


def _asked(sql: str, **params: str) -> list[tuple[str, str]]:
    return [(one, other) for one, other in op.get_bind().execute(text(sql), params)]


def _grant(name: str, rights: list[tuple[str, str]]) -> None:
    for right, role in rights:
        op.execute(f"GRANT {right} ON {name} TO {role}")


_VIEWS: Final = """
    SELECT DISTINCT c.relname, pg_get_viewdef(c.oid) FROM pg_depend d
        JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class c ON c.oid = r.ev_class
    WHERE d.refobjid = to_regclass(:name) AND c.relkind = 'v' ORDER BY 1
"""
_RIGHTS: Final = """
    SELECT privilege_type,
        CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
    FROM pg_class, aclexplode(relacl)
    WHERE oid = to_regclass(:name) AND grantee <> relowner ORDER BY 2, 1
"""
