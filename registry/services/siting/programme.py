"""Linear and mixed-integer programmes in arrays, solved by HiGHS (Huangfu and Hall 2018, doi:10.1007/s12532-017-0130-5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import highspy
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort

Outcome = Literal["optimal", "stopped", "infeasible", "unbounded"]

_INTERRUPTS = (
    highspy.cb.HighsCallbackType.kCallbackSimplexInterrupt,
    highspy.cb.HighsCallbackType.kCallbackIpmInterrupt,
    highspy.cb.HighsCallbackType.kCallbackMipInterrupt,
)
_STATUS = highspy.HighsModelStatus
_INTEGER = np.uint8(int(highspy.HighsVarType.kInteger))
_LONGEST_S = 1e9


class _Quiet(highspy.Highs):
    """HiGHS that prints nothing, not even its name."""

    def enableCallbacks(self) -> None:  # noqa: N802  # HiGHS calls it so, in the midst of its constructor
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]  # highspy has no types here


class Optimum(NamedTuple):
    """What HiGHS found.

    Attributes
    ----------
    outcome : ``optimal`` within the gap that was asked for; ``stopped`` by time or Ctrl-C, then the rest is the best so far
    x : (c,) value of every column; empty where nothing was found
    objective : of ``x``, NaN where nothing was found
    bound : what no solution can beat
    row_dual, reduced_cost : (r,) and (c,) of a linear programme, in the sign of its own objective; empty otherwise
    """

    outcome: Outcome
    x: FloatArray
    objective: float
    bound: float
    row_dual: FloatArray
    reduced_cost: FloatArray


class Programme:
    """A programme that rows can be added to, and that is solved again from where it was.

    Parameters
    ----------
    cost : (c,) objective
    lower, upper : (c,) or a number
    integer : (c,) which columns are whole numbers; None for a linear programme
    maximise : whether the objective is to be large
    """

    def __init__(
        self,
        cost: FloatArray,
        *,
        lower: FloatArray | float = 0.0,
        upper: FloatArray | float = np.inf,
        integer: NDArray[np.bool_] | None = None,
        maximise: bool = False,
    ) -> None:
        self.columns = cost.size
        self._mixed = integer is not None and bool(integer.any())
        self._maximise = maximise
        self._cost = cost.astype(np.float64)
        self.highs = _Quiet()  # type: ignore[no-untyped-call]  # highspy's constructor has no types
        least, most = (np.broadcast_to(np.asarray(each, np.float64), cost.shape).copy() for each in (lower, upper))
        empty, none = np.empty(0), np.empty(0, np.int32)
        self.highs.addCols(cost.size, cost, least, most, 0, none, none, empty)
        if maximise:
            self.highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
        if integer is not None and integer.any():
            which = np.flatnonzero(integer).astype(np.int32)
            self.highs.changeColsIntegrality(which.size, which, np.full(which.size, _INTEGER))

    def add_rows(self, matrix: csr_array, lower: FloatArray | float, upper: FloatArray | float) -> None:
        """Add (r, c) rows between their limits, (r,) or numbers."""
        rows = matrix.shape[0]
        if rows == 0:
            return
        least, most = (np.broadcast_to(np.asarray(each, np.float64), rows).copy() for each in (lower, upper))
        self.highs.addRows(
            rows, least, most, matrix.nnz, matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32),
            matrix.data.astype(np.float64),
        )  # fmt: skip

    def solve(self, effort: Effort, *, start: FloatArray | None = None, target: float | None = None) -> Optimum:
        """Solve it, from a first solution if there is one: a value for every column.

        HiGHS 1.16 can report a wrong objective and a wrong bound for a start that it has to complete, so none may be missing. A mixed programme stops as soon as its objective is at least as good as ``target``; its outcome is then ``stopped``,
        unless it was optimal.

        Raises
        ------
        ValueError : the start lacks a value.
        """
        if start is not None and (start.size != self.columns or np.isnan(start).any()):
            raise ValueError("start: every column needs a value.")
        highs = self.highs
        sign = -1.0 if self._maximise else 1.0
        # HiGHS goes on where an objective is just the target.
        beyond = -sign * np.inf if target is None else target + sign * 1e-9 * max(abs(target), 1.0)
        for name, value in (
            ("random_seed", effort.seed),
            ("mip_rel_gap", effort.gap),
            ("mip_abs_gap", 1e-9),
            ("objective_target", beyond),
            ("time_limit", highs.getRunTime() + min(effort.left_s(), _LONGEST_S)),
        ):
            highs.setOptionValue(name, value)
        if start is not None:
            highs.setSolution(start.size, np.arange(start.size, dtype=np.int32), start)

        def look(kind: object, _message: str, told: Any, answer: Any, _data: object) -> None:
            if kind == highspy.cb.HighsCallbackType.kCallbackMipInterrupt:
                effort.tell(told.mip_primal_bound, told.mip_dual_bound)
            answer.user_interrupt = effort.over

        highs.setCallback(look, None)
        for kind in _INTERRUPTS:
            highs.startCallback(kind)
        highs.run()
        found = self._optimum()
        if start is not None and self._belied(found):
            # Where presolve leaves nothing to solve, HiGHS 1.16 hands back the start with the objective of the optimum.
            highs.clearSolver()
            highs.run()
            found = self._optimum()
        for kind in _INTERRUPTS:
            highs.stopCallback(kind)
        return found

    def _belied(self, found: Optimum) -> bool:
        """Whether a solution is not worth what it is said to be."""
        if not found.x.size:
            return False
        worth = float(self._cost @ found.x)
        return abs(worth - found.objective) > 1e-6 * max(
            1.0, abs(found.objective), float(np.abs(self._cost) @ np.abs(found.x))
        )

    def _optimum(self) -> Optimum:
        status, told = self.highs.getModelStatus(), self.highs.getInfo()
        solution = self.highs.getSolution()
        nothing = np.empty(0)
        worst = -np.inf if self._maximise else np.inf
        if status == _STATUS.kInfeasible:
            return Optimum("infeasible", nothing, np.nan, worst, nothing, nothing)
        if status in {_STATUS.kUnbounded, _STATUS.kUnboundedOrInfeasible}:
            # Programmes here have bounded objectives, so presolve's doubt means that there is no solution.
            outcome: Outcome = "unbounded" if status == _STATUS.kUnbounded else "infeasible"
            return Optimum(outcome, nothing, np.nan, -worst, nothing, nothing)
        solved = status == _STATUS.kOptimal
        feasible = told.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
        x = np.asarray(solution.col_value) if feasible else nothing
        objective = float(told.objective_function_value) if feasible else np.nan
        if self._mixed:
            return Optimum(
                "optimal" if solved else "stopped", x, objective, float(told.mip_dual_bound), nothing, nothing
            )
        bound = objective if solved else -worst
        return Optimum(
            "optimal" if solved else "stopped", x, objective, bound,
            np.asarray(solution.row_dual), np.asarray(solution.col_dual),
        )  # fmt: skip
