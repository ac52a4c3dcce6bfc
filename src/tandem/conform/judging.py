"""From an answer to a verdict: the same for planners and messengers."""

from tandem.conform.findings import Finding, Mend, Note, Verdict
from tandem.conform.learning import Learner
from tandem.conform.talk import Seen, Talk
from tandem.contract.shapes import Form, Shape, differences


def look_inside(talk: Talk, expected: Shape, seen: Seen) -> tuple[Note, ...]:
    """Whether the answer is inside an envelope; learnt and told once."""
    if talk.profile.envelope or not isinstance(seen.raw, dict):
        return ()
    names = {field.name.lower() for field in expected.fields}
    inner = [key for key, value in seen.raw.items() if isinstance(value, list | dict)]
    if len(inner) == 1 and not names & {str(key).lower() for key in seen.raw}:
        wanted = list if expected.form is Form.ARRAY else dict
        if isinstance(seen.raw[inner[0]], wanted):
            talk.learn(envelope=str(inner[0]))
            return (by_profile("$", expected.form.value, f"it is inside {inner[0]}"),)
    return ()


def judged(
    name: str,
    expected: Shape,
    seen: Seen,
    notes: tuple[Note, ...],
    learner: Learner,
    *,
    fine: tuple[int, ...] = (200,),
) -> Finding:
    """What an answer comes to; notes: differences seen before. fine: statuses of success."""
    if seen.status in (401, 403):
        return Finding(name=name, verdict=Verdict.NOT_PERMITTED, why=f"{seen.status}")
    if seen.status not in fine or seen.trouble:
        words = seen.trouble or f"{seen.status}"
        note = Note(path="$", expected=f"{fine[0]} with JSON", seen=words, mend=Mend.NONE)
        return Finding(name=name, verdict=Verdict.DIFFERS, notes=(note,))
    if _is_error(seen.document):
        note = Note(
            path="$", expected="the answer, or a status", seen=f"{seen.status} with an error", mend=Mend.NONE
        )
        return Finding(name=name, verdict=Verdict.DIFFERS, notes=(note,))
    notes += tuple(learner.note(one) for one in differences(expected, seen.document))
    return finding(name, notes)


def _is_error(document: object) -> bool:
    return isinstance(document, dict) and [str(key).lower() for key in document] == ["error"]


def by_profile(path: str, expected: str, seen: str) -> Note:
    """A difference that a profile mends."""
    return Note(path=path, expected=expected, seen=seen, mend=Mend.PROFILE)


def finding(name: str, notes: tuple[Note, ...] | list[Note]) -> Finding:
    """Agrees, or differs by these."""
    return Finding(name=name, verdict=Verdict.DIFFERS if notes else Verdict.AGREES, notes=tuple(notes))
