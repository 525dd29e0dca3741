"""The roles of a ledger on PostgreSQL: who owns it, who writes, who reads.

They cannot log in; a DBA grants one of them to a login. Events may be added by writers, and
edited by nobody: the writer has no right to, and the owner meets the triggers. What the
tables are is read from the database, so that later migrations are covered by running it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ledger.database.base import Rows

# What a writer may only add to.
APPEND_ONLY: Final = ("stored_events", "event_log")

# The migrations' own record, which only they move.
_OWNERS_ALONE: Final = ("alembic_version",)

# What aliases stand for may be personal: no report needs it, and readers do not see it.
_HIDDEN_FROM_READERS: Final = ("alias",)

_EVERYTHING: Final = "SELECT, INSERT, UPDATE, DELETE"


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of a ledger's roles."""

    owner: str
    writer: str
    reader: str

    @classmethod
    def of(cls, prefix: str) -> Roles:
        return cls(f"{prefix}_owner", f"{prefix}_writer", f"{prefix}_reader")

    def __iter__(self) -> Iterator[str]:
        return iter((self.owner, self.writer, self.reader))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ledger lies on its server, and what it consists of; names are quoted."""

    database: str
    schema: str
    tables: tuple[str, ...]
    views: tuple[str, ...]
    sequences: tuple[str, ...]
    types: tuple[str, ...]
    functions: tuple[str, ...]


def place_of(rows: Rows) -> Place:
    """Read what a ledger consists of; what an extension brought is not its own."""
    ((database, schema),) = rows.execute(
        "SELECT quote_ident(current_database()), quote_ident(current_schema())"
    )
    return Place(
        database,
        schema,
        _relations(rows, schema, "r"),
        _relations(rows, schema, "v"),
        _relations(rows, schema, "S"),
        _relations(rows, schema, "c"),
        tuple(
            f"{schema}.{name}()"
            for (name,) in rows.execute(
                "SELECT quote_ident(proname) FROM pg_proc WHERE proname = 'refuse_edit'"
                " AND pronamespace = CAST(current_schema() AS regnamespace)"
            )
        ),
    )


def _relations(rows: Rows, schema: str, kind: str) -> tuple[str, ...]:
    found = rows.execute(
        "SELECT quote_ident(relname) FROM pg_class c WHERE relkind = :kind"
        " AND relnamespace = CAST(current_schema() AS regnamespace)"
        " AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE deptype = 'e'"
        " AND classid = CAST('pg_class' AS regclass) AND objid = c.oid) ORDER BY relname",
        kind=kind,
    )
    return tuple(f"{schema}.{name}" for (name,) in found)


def statements(rows: Rows, roles: Roles) -> list[str]:
    """Give the SQL that makes the roles and their rights, or makes them right again."""
    place = place_of(rows)
    return [
        *_missing(rows, roles),
        *_membership(rows, roles),
        *_entry(place, roles),
        *_ownership(place, roles),
        *_rights(place, roles),
        *_later_rights(place, roles),
    ]


def _missing(rows: Rows, roles: Roles) -> list[str]:
    known = {name for (name,) in rows.execute("SELECT rolname FROM pg_roles")}
    return [f"CREATE ROLE {name} NOLOGIN" for name in roles if name not in known]


def _membership(rows: Rows, roles: Roles) -> list[str]:
    """Let who runs this go on to migrate; a superuser may in any case."""
    ((user, is_superuser),) = rows.execute(
        "SELECT quote_ident(current_user), rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    member = rows.execute(
        "SELECT 1 FROM pg_roles WHERE rolname = :owner AND pg_has_role(oid, 'USAGE')",
        owner=roles.owner,
    )
    return [] if is_superuser or member else [f"GRANT {roles.owner} TO {user}"]


def _entry(place: Place, roles: Roles) -> list[str]:
    return [
        f"GRANT CONNECT, TEMPORARY ON DATABASE {place.database} TO {', '.join(roles)}",
        f"GRANT USAGE ON SCHEMA {place.schema} TO {', '.join(roles)}",
        f"GRANT CREATE ON SCHEMA {place.schema} TO {roles.owner}",
    ]


def _ownership(place: Place, roles: Roles) -> list[str]:
    """Hand the ledger to its owner; a table's sequence follows it."""
    kinds = (
        ("TABLE", place.tables),
        ("VIEW", place.views),
        ("TYPE", place.types),
        ("FUNCTION", place.functions),
    )
    return [
        f"ALTER {kind} {name} OWNER TO {roles.owner}" for kind, names in kinds for name in names
    ]


def _rights(place: Place, roles: Roles) -> list[str]:
    """Take away and grant anew, in one transaction: what was granted too much goes."""
    writable = _named(place, (*APPEND_ONLY, *_OWNERS_ALONE), but=True)
    readable = _named(place, _HIDDEN_FROM_READERS, but=True)
    everything = ", ".join((*place.tables, *place.views))
    return [
        f"REVOKE ALL ON {everything} FROM {roles.writer}, {roles.reader}",
        f"GRANT SELECT, INSERT ON {_named(place, APPEND_ONLY)} TO {roles.writer}",
        f"GRANT {_EVERYTHING} ON {writable} TO {roles.writer}",
        f"GRANT SELECT ON {_named(place, _OWNERS_ALONE)} TO {roles.writer}",
        f"GRANT USAGE ON SEQUENCE {', '.join(place.sequences)} TO {roles.writer}",
        f"GRANT SELECT ON {readable} TO {roles.reader}",
        f"GRANT SELECT ON {', '.join(place.views)} TO {roles.writer}, {roles.reader}",
    ]


def _named(place: Place, names: tuple[str, ...], *, but: bool = False) -> str:
    """List the tables of these names, or all but them."""
    prefix = f"{place.schema}."
    return ", ".join(
        table for table in place.tables if (table.removeprefix(prefix) in names) is not but
    )


def _later_rights(place: Place, roles: Roles) -> list[str]:
    """Let the caches that a later migration makes be used before this is run again."""
    later = f"ALTER DEFAULT PRIVILEGES FOR ROLE {roles.owner} IN SCHEMA {place.schema} GRANT"
    return [
        f"{later} {_EVERYTHING} ON TABLES TO {roles.writer}",
        f"{later} USAGE ON SEQUENCES TO {roles.writer}",
        f"{later} SELECT ON TABLES TO {roles.reader}",
    ]


@dataclass(frozen=True, slots=True)
class Powers:
    """What the role at hand may do with a ledger."""

    role: str
    member_of: tuple[str, ...]
    reads: bool
    checks: bool
    writes: bool
    migrates: bool
    edits: bool
    is_guarded: bool


def powers(rows: Rows) -> Powers:
    """Ask the database what the role at hand may do."""
    (found,) = rows.execute(_POWERS, guards=len(APPEND_ONLY))
    groups = rows.execute(
        "SELECT rolname FROM pg_roles JOIN pg_auth_members ON roleid = pg_roles.oid"
        " WHERE member = (SELECT oid FROM pg_roles WHERE rolname = current_user)"
        " ORDER BY rolname"
    )
    role, *answers = found
    return Powers(str(role), tuple(str(name) for (name,) in groups), *map(bool, answers))


_POWERS: Final = """
    SELECT current_user,
        has_table_privilege('event_log', 'SELECT')
            AND has_table_privilege('v_balance', 'SELECT'),
        has_table_privilege('stored_events', 'SELECT')
            AND has_database_privilege(current_database(), 'TEMPORARY'),
        has_table_privilege('stored_events', 'INSERT')
            AND has_table_privilege('event_log', 'INSERT')
            AND has_table_privilege('account', 'UPDATE'),
        (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
            WHERE oid = to_regclass('event_log')),
        has_table_privilege('stored_events', 'UPDATE, DELETE, TRUNCATE')
            OR has_table_privilege('event_log', 'UPDATE, DELETE, TRUNCATE'),
        (SELECT COUNT(*) FROM pg_trigger WHERE tgname LIKE '%_append_only'
            AND tgenabled = 'A'
            AND tgrelid IN (to_regclass('stored_events'), to_regclass('event_log'))) = :guards
"""
