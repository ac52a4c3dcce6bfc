"""What was learnt as bytes: arrays of numbers and names only, so that reading them runs no code."""

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tandem.planner.modelling.learning.beside import BESIDE
from tandem.planner.modelling.learning.domain import Evidence, Model
from tandem.planner.modelling.learning.estimators import Estimator
from tandem.planner.modelling.learning.frames import STAGES
from tandem.planner.modelling.learning.questions import Trained

Array = NDArray[np.float64]
Arrays = dict[str, NDArray[np.generic]]
_MODELLING = Path(__file__).parents[1]
#: what features, questions, estimators and purchase models are made by
SOURCES = (_MODELLING / "learning", _MODELLING / "value", _MODELLING / "lifecycle")


def code(sources: Iterable[Path] = SOURCES) -> str:
    """What makes models: a hash of the program's text and the libraries; of another, everything is learnt again."""
    found = hashlib.sha256()
    for folder in sources:
        for file in sorted(folder.rglob("*.py")):
            content = file.read_bytes()
            found.update(
                f"{folder.name}/{file.relative_to(folder).as_posix()}:{len(content)}:".encode() + content
            )
    return f"{found.hexdigest()[:16]}/scikit-learn {version('scikit-learn')}/numpy {version('numpy')}"


CODE = code()


@dataclass(frozen=True, kw_only=True, eq=False)
class Store:
    """Evidence, the estimators behind it, and what customers looked like when they were trained.

    values: attribute -> the values that the estimators tell apart, by which they know them.
    """

    evidence: Evidence
    trained: Mapping[Model, Trained]
    looks: Mapping[str, tuple[Array, Array]]
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def beside(self) -> frozenset[str]:
        """The columns beside purchases that the estimators go by."""
        names = (n for one in self.trained.values() for e in one.estimators.values() for n in e.names)
        return frozenset(name for name in names if name.startswith(BESIDE))


def packed(store: Store) -> tuple[bytes, str]:
    """The estimators and looks as one file, and the hash of what is in it."""
    arrays: Arrays = {}
    for model, trained in store.trained.items():
        for name, estimator in trained.estimators.items():
            at = f"estimator|{model.value}|{name}"
            arrays[f"{at}|kind"] = np.array(estimator.kind)
            arrays[f"{at}|names"] = np.array(estimator.names or [""])
            arrays |= {f"{at}|array|{key}": np.asarray(one) for key, one in estimator.arrays.items()}
    for name, (cuts, shares) in store.looks.items():
        arrays |= {f"looks|{name}|cuts": cuts, f"looks|{name}|shares": shares}
    arrays |= {f"values|{name}": np.array(["", *values]) for name, values in store.values.items()}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue(), _hash(arrays)


def unpacked(content: bytes, sha256: str, evidence: Evidence) -> Store | None:
    """What `packed` wrote; None if it is not what the registry says it is."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, OSError, KeyError, EOFError, BadZipFile):
        return None
    if _hash(arrays) != sha256:
        return None
    looks = {
        name.split("|")[1]: (cuts.astype(float), arrays[name.replace("|cuts", "|shares")].astype(float))
        for name, cuts in arrays.items()
        if name.startswith("looks|") and name.endswith("|cuts")
    }
    trained = {one.model: _trained(evidence, one.model, arrays) for one in evidence.models}
    values = {
        name.removeprefix("values|"): tuple(str(one) for one in listed[1:])
        for name, listed in arrays.items()
        if name.startswith("values|")
    }
    return Store(evidence=evidence, trained=trained, looks=looks, values=values)


def _trained(evidence: Evidence, model: Model, arrays: Arrays) -> Trained:
    found = evidence.of(model)
    numbers = {stage.value: n for n, stage in enumerate(STAGES)}
    known = [s for s in (found.stages if found else ()) if s.stage in numbers]
    means = {numbers[s.stage]: s.mean for s in known if s.mean is not None}
    start = f"estimator|{model.value}|"
    names = {key.split("|")[2] for key in arrays if key.startswith(start)}
    return replace(
        Trained(means=means), estimators={name: _estimator(start + name, arrays) for name in names}
    )


def _estimator(at: str, arrays: Arrays) -> Estimator:
    inside = f"{at}|array|"
    return Estimator(
        kind=str(arrays[f"{at}|kind"]),
        names=tuple(str(name) for name in arrays[f"{at}|names"] if name),
        arrays={key.removeprefix(inside): one for key, one in arrays.items() if key.startswith(inside)},
    )


def _hash(arrays: Arrays) -> str:
    found = hashlib.sha256()
    for name in sorted(arrays):
        found.update(f"{name}:{arrays[name].dtype.str}:{arrays[name].shape}".encode())
        found.update(np.ascontiguousarray(arrays[name]).tobytes())
    return found.hexdigest()
