"""Taking back what was edited in a package: all of it in one transaction, or nothing and a list of what stands against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from registry.errors import PackageError, UnsettledError
from registry.fieldwork import attachments, checks, edits, listing, problems, threeway, values, writing
from registry.fieldwork.layout import ATTACHMENT, Part, parts
from registry.fieldwork.package import store_uid
from registry.location import located
from registry.model.tables import MergedRow, table_of
from registry.settings import settings
from registry.store import decisions as settled
from registry.store import read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from registry.fieldwork.contents import Package
    from registry.fieldwork.edits import Edits, TableEdits
    from registry.fieldwork.problems import Decisions, Problem
    from registry.fieldwork.threeway import TablePlan
    from registry.model.vocabulary import Kind
    from registry.store.store import Store


@dataclass(frozen=True)
class MergeReport:
    """What a merge did.

    Attributes
    ----------
    new, changed, deleted : rows of all tables; ``changed`` counts rows in which the store took a field.
    moved : sites and plants whose position changed; they are among ``changed``.
    fields : values that the store took in changed rows.
    attachments : photographs and documents that came, changed or went; they are among the rows.
    unchanged : rows of the file that the store has as they are, or that were left as the store had them.
    edits : what was edited in the file since the last merge; see ``listing.edited``.
    warnings : what was taken with a doubt: ``table, code, name, field, value, reason``.
    notes : what was decided for the file as a whole.
    """

    new: int = 0
    changed: int = 0
    deleted: int = 0
    moved: int = 0
    fields: int = 0
    attachments: int = 0
    unchanged: int = 0
    edits: pd.DataFrame = field(default_factory=pd.DataFrame)
    warnings: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by name."""
        names = ("new", "changed", "deleted", "moved", "fields", "attachments", "unchanged")
        return {name: getattr(self, name) for name in names}


def unmerged(connection: Connection, package: Package) -> Edits:
    """The edits of a package that a store has not merged yet.

    Raises
    ------
    PackageError : the package came from another store.
    """
    _refuse_foreign(connection, package)
    table = table_of(MergedRow)
    known = read.everything(connection, table, table.c.package_uid == package.properties.uid)
    return edits.find(package, edits.merged_rows(known))


def is_of(connection: Connection, package: Package) -> bool:
    """Whether a package came from this store."""
    return package.properties.store_uid == store_uid(connection)


def merge(
    store: Store, package: Package, decisions: Decisions, *, keep: bool, lang: str, say: Callable[[str], None]
) -> MergeReport:
    """Merge the edits of a package in one transaction; with ``keep=False`` everything is done and nothing stays.

    Raises
    ------
    UnsettledError : something stands against it; all of it is listed, and nothing was stored.
    PackageError : the package came from another store.
    """
    with store.write(keep=keep) as connection:
        backend_of(connection).lock(connection, [part.table for part in parts().values()])
        say("comparing")
        found = unmerged(connection, package)
        if not found.count:
            return _report(found, {}, listing.none(), [])
        listed = listing.edited(package, found)
        merger = _Merger(connection, store, found, decisions)
        plans, against, doubts = merger.planned()
        if against:
            raise UnsettledError(_sentence(package, against), problems.as_table(against, lang))
        idle = len(decisions.of_place.keys() - decisions.used)
        if idle:
            found.notes.append(
                f"{_counted(idle, 'decision')} of the file settled nothing: there was nothing open there."
            )
        say("storing")
        writing.store_plans(connection, store, package, plans, merger.placed)
        writing.note_merged(connection, package, found, srid=store.srid)
        return _report(found, plans, listed, doubts)


class _Merger:
    """One merge: its edits weighed against the store, table by table, features first."""

    def __init__(self, connection: Connection, store: Store, found: Edits, decisions: Decisions) -> None:
        self.connection, self.store, self.found, self.decisions = connection, store, found, decisions
        self.ways = settled.redirections(connection)
        self.labels = threeway.Labels(listing.names(found))
        self.placed: dict[str, pd.DataFrame] = {}

    def planned(self) -> tuple[dict[str, TablePlan], list[Problem], list[Problem]]:
        """What is to become of every table, what stands against it, and what is doubtful."""
        plans: dict[str, TablePlan] = {}
        against: list[Problem] = []
        doubts: list[Problem] = []
        gone = frozenset(key for one in self.found.tables.values() if one.part.kind for key in one.deleted)
        touched = self._touched(gone)
        for name, one in self.found.tables.items():
            if one.is_empty and not one.doubled:
                continue
            with_owner = {
                key
                for key in one.deleted
                if one.part.kind is None and str(values.cell(one.base, key, one.part.owner)) in gone
            }
            self._redirect(one)
            targets = self._targets(one)
            plan, said = threeway.weighed(
                one,
                self._ours(one, targets),
                targets,
                self.labels,
                self.decisions,
                with_owner=with_owner,
                touched=touched,
            )
            self._leave_out(plan)
            plans[name] = plan
            refused, warned = checks.of_values(plan, self.labels)
            against += [*said, *refused]
            doubts += warned
        for plan in plans.values():
            against += checks.of_codes(self.connection, plan, self.labels)
        known = self._kinds(plans)
        for plan in plans.values():
            against += checks.of_owners(plan, self.labels, known)
        if not against:
            for name, plan in plans.items():
                if plan.part.kind:
                    self.placed[name] = self._located(plan)
            against += self._foreign(plans)
        return plans, against, doubts

    def _redirect(self, one: TableEdits) -> None:
        """Let what belongs to a site that was joined to another belong to that one."""
        if one.part.kind is None and self.ways:
            owner = one.part.owner
            one.now, one.base = (
                rows.assign(**{owner: settled.redirected(rows[owner], self.ways)}) for rows in (one.now, one.base)
            )

    def _targets(self, one: TableEdits) -> dict[str, str]:
        if not self.ways:
            return {}
        if one.part.kind:
            return {key: self.ways[key] for key in (*one.new, *one.deleted, *one.cells["key"]) if key in self.ways}
        if one.part.has_uid:
            return {}
        targets: dict[str, str] = {}
        for rows in (one.base, one.now):
            renamed = threeway.keys_of(rows, one.part).index
            targets |= {key: now for key, now in zip(rows.index, renamed, strict=True) if key != now}
        return targets

    def _ours(self, one: TableEdits, targets: Mapping[str, str]) -> pd.DataFrame:
        """The rows of the store that the edits of a table speak of."""
        keys = dict.fromkeys([*one.new, *one.deleted, *one.cells["key"]])
        wanted = [targets.get(key, key) for key in keys]
        if one.part.kind:
            rows = read.stored_features(
                self.connection, one.part.table, known_by={"uid": pd.Series(wanted, dtype="str")}
            )
        elif one.part.name == ATTACHMENT:
            rows = attachments.listed(self.connection, wanted, by="uid")
        elif one.part.has_uid:
            rows = read.matching(self.connection, one.part.table, {"uid": pd.Series(wanted, dtype="str")})
        else:
            owners = pd.Series(list({key.split(" ")[0] for key in wanted}), dtype="str")
            rows = read.matching(self.connection, one.part.table, {one.part.owner: owners})
        rows = threeway.keys_of(rows, one.part)
        return rows[rows.index.isin(wanted)]

    def _touched(self, gone: frozenset[str]) -> dict[str, str]:
        """Sites that the file deleted and of which something that belongs to them changed in the store since."""
        touched: dict[str, str] = {}
        if not gone:
            return touched
        for part in parts().values():
            if part.kind is not None:
                continue
            for owner in self._changed_since(part, gone):
                touched[owner] = ", ".join(filter(None, (touched.get(owner), f"its {part.name}")))
        return touched

    def _changed_since(self, part: Part, owners: frozenset[str]) -> set[str]:
        wanted = pd.Series(sorted(owners), dtype="str")
        if part.name == ATTACHMENT:
            stored = attachments.listed(self.connection, wanted.tolist())
        else:
            stored = read.matching(self.connection, part.table, {part.owner: wanted})
        stored = threeway.keys_of(stored[stored[part.owner].isin(owners)], part)
        base = self.found.tables[part.name].base
        base = base[base[part.owner].isin(owners)]
        both = stored.index.intersection(base.index)
        other = stored.index.symmetric_difference(base.index)
        changed = {str(key) for key in other}
        for one in part.editable:
            if one.type != "binary" and len(both):
                apart = values.differs(base.loc[both, one.name], stored.loc[both, one.name])
                changed |= set(both[apart])
        everything = pd.concat([base[[part.owner]], stored[[part.owner]]])
        return {str(uid) for uid in everything.loc[everything.index.isin(list(changed)), part.owner]}

    def _leave_out(self, plan: TablePlan) -> None:
        """Rows that were settled to stay as the store has them."""
        for rows in (plan.new, plan.changed, plan.deleted):
            for key in list(rows):
                if self.decisions.of(problems.Place(plan.part.name, key)) == "ours":
                    del rows[key]
        for key in list(plan.edits.doubled):
            if self.decisions.of(problems.Place(plan.part.name, key)) == "ours":
                plan.edits.doubled.remove(key)

    def _kinds(self, plans: Mapping[str, TablePlan]) -> dict[str, Kind]:
        """The kind of every site that a row of the plans belongs to."""
        wanted: set[str] = set()
        for plan in plans.values():
            if plan.part.kind is None:
                rows = [*plan.new.values(), *plan.changed.values()]
                wanted |= {str(row.given[plan.part.owner]) for row in rows if row.given.get(plan.part.owner)}
        known = checks.kinds_of(self.connection, wanted) if wanted else {}
        for plan in plans.values():
            if plan.part.kind:
                known |= dict.fromkeys((row.target for row in plan.new.values()), plan.part.kind)
                for row in plan.deleted.values():
                    known.pop(row.target, None)
        return known

    def _located(self, plan: TablePlan) -> pd.DataFrame:
        """Rows that are new, moved or declared to be elsewhere, by target: position, region codes, warnings."""
        rows = writing.positions(plan)
        if rows.empty:
            return rows
        placed, doubts = located(
            self.connection, self.store.crs, rows.reset_index(), tolerance_m=settings().locate_tolerance_m
        )
        self.found.notes.extend(
            f"{plan.part.name}, '{rows['name'].iloc[int(row)]}': {reason}."
            for row, reason in doubts[["row", "reason"]].itertuples(index=False)
        )
        return placed.set_index("target")

    def _foreign(self, plans: Mapping[str, TablePlan]) -> list[Problem]:
        allowed = backend_of(self.connection).own_provinces(self.connection)
        if allowed is None:
            return []
        owners: set[str] = set()
        for plan in plans.values():
            for row in {**plan.new, **plan.changed, **plan.deleted}.values():
                owners |= {row.target} if plan.part.kind else set(checks.owners(plan, row))
        before = checks.provinces_of(self.connection, owners)
        after = dict(before)
        for rows in filter(len, self.placed.values()):
            after |= {str(uid): None if pd.isna(code) else str(code) for uid, code in rows["province_code"].items()}
        pairs = {uid: (before.get(uid, checks.NOWHERE), after.get(uid, checks.NOWHERE)) for uid in owners}
        return [one for plan in plans.values() for one in checks.of_rights(plan, self.labels, allowed, pairs)]


def _refuse_foreign(connection: Connection, package: Package) -> None:
    if not is_of(connection, package):
        raise PackageError(
            f"{package.path}: the package came from another store ({package.properties.store_uid}). Nothing was stored; "
            "merge it into the one that it was exported from."
        )


def _sentence(package: Package, against: list[Problem]) -> str:
    conflicts = sum(one.problem == "conflict" for one in against)
    refused = len(against) - conflicts
    told = " and ".join(filter(None, (_counted(conflicts, "conflict"), _counted(refused, "refusal"))))
    ways = "settle them with --ours, --theirs or a decisions file (--out FILE, then --decisions FILE)"
    mend = "correct them in the file, or settle them in a decisions file"
    advice = "; ".join(filter(None, (ways if conflicts else "", mend if refused else "")))
    return f"{package.path}: {told}. Nothing was stored; {advice}."


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}" if number else ""


def _report(found: Edits, plans: Mapping[str, TablePlan], listed: pd.DataFrame, doubts: list[Problem]) -> MergeReport:
    changed = [row for plan in plans.values() for row in plan.changed.values()]
    files = plans.get(ATTACHMENT)
    new, deleted = (sum(len(getattr(plan, name)) for plan in plans.values()) for name in ("new", "deleted"))
    rows = sum(len(one.now) for one in found.tables.values())
    return MergeReport(
        new=new, changed=len(changed), deleted=deleted,
        moved=sum(len(row.given.keys() & {"geom"}) for row in changed),
        fields=sum(len(row.given) for row in changed),
        attachments=len(files.new) + len(files.changed) + len(files.deleted) if files else 0,
        unchanged=rows - new - len(changed),
        edits=listed,
        warnings=pd.DataFrame(
            [(one.place.table, one.code, one.name, one.place.field, one.theirs, one.reason) for one in doubts],
            columns=["table", "code", "name", "field", "value", "reason"],
        ),
        notes=tuple(found.notes),
    )  # fmt: skip
