"""Own rules, each with a sentence of advice; run by `make check`. `--write` writes generated pages again."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from tandem.site.settings.environment import SETTINGS
from tools import reference

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "tandem"
LONGEST_MODULE = 400
RUNBOOK = ROOT / "docs" / "runbook"
INLINE = re.compile(r"""\sstyle\s*=|<script(?![^>]*\bsrc=)[^>]*>|\son[a-z]+\s*=\s*["']""", re.IGNORECASE)
NAMES = re.compile(r"NAME=[a-z]+(?:[|-][a-z]+)+")
#: where the benchmarks are listed
LISTED = ("Makefile", "script/bench", "docs/benchmarks.md")
QUERIES = {"filter", "get", "exclude", "get_or_create", "update_or_create"}
ALL_ACCOUNTS = "# all accounts"


def main() -> int:
    """Print every breach; exit code 1 if there is one."""
    if "--write" in sys.argv:
        settings_page().write_text(settings_text())
        for half in reference.PAGES:
            reference.page(half).write_text(reference.text(half))
        RUNBOOK.mkdir(exist_ok=True)
        for name, text in runbook_texts().items():
            (RUNBOOK / name).write_text(text)
        for name in LISTED:
            text = (ROOT / name).read_text()
            (ROOT / name).write_text(NAMES.sub(benchmark_names(), text, count=1))
    breaches = [*templates(), *modules(), *settings(), *api(), *runbook(), *benchmarks()]
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


def templates() -> Iterator[str]:
    """No inline style or script: the Content-Security-Policy refuses them."""
    for file in sorted([*(SOURCE / "kit").rglob("*.html"), *SOURCE.glob("*/web/templates/**/*.html")]):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if INLINE.search(line):
                yield f"{file.relative_to(ROOT)}:{number}: inline style or script; use a class or a file."


def modules() -> Iterator[str]:
    """Length, the clock, and the account in every query."""
    for file in sorted(SOURCE.rglob("*.py")):
        if "migrations" in file.parts:
            continue
        text = file.read_text()
        lines = text.splitlines()
        if len(lines) > LONGEST_MODULE:
            yield f"{file.relative_to(ROOT)}: {len(lines)} lines; split it by what it does."
        yield from _calls(file, ast.parse(text), lines)


def _calls(file: Path, tree: ast.AST, lines: list[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        where = f"{file.relative_to(ROOT)}:{node.lineno}"
        if _is_query(node) and not _names_account(node, lines):
            yield f"{where}: a query without its account; name it, or say why in a comment `{ALL_ACCOUNTS}: ...`."
        asks = node.func.attr == "now" and ast.unparse(node.func.value) == "datetime"
        if asks and file.name != "clock.py" and SOURCE / "site" not in file.parents:
            yield f"{where}: the time passes through kit.clock."


def _is_query(node: ast.Call) -> bool:
    function = node.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in QUERIES
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "objects"
    )


def _names_account(node: ast.Call, lines: list[str]) -> bool:
    named = any(
        (keyword.arg or "account").startswith("account") or "__account" in (keyword.arg or "")
        for keyword in node.keywords
    )
    around = " ".join(lines[max(0, node.lineno - 2) : (node.end_lineno or node.lineno)])
    return named or "account" in ast.unparse(node) or ALL_ACCOUNTS in around


def settings() -> Iterator[str]:
    """The reference page of settings is the table's."""
    if not settings_page().exists() or settings_page().read_text() != settings_text():
        yield "docs/reference/settings.md is old; run `python -m tools.checks --write`."


def api() -> Iterator[str]:
    """The reference page of each half's API is its table's."""
    for half in reference.PAGES:
        page = reference.page(half)
        if not page.exists() or page.read_text() != reference.text(half):
            yield f"docs/reference/{page.name} is old; run `python -m tools.checks --write`."


def runbook() -> Iterator[str]:
    """The documentation's pages of the runbook are those that the product shows."""
    for name, text in runbook_texts().items():
        if not (RUNBOOK / name).exists() or (RUNBOOK / name).read_text() != text:
            yield f"docs/runbook/{name} is old; change src/tandem/kit/runbook, run `python -m tools.checks --write`."


def benchmarks() -> Iterator[str]:
    """Every place that lists the benchmarks lists those there are."""
    for name in LISTED:
        found = NAMES.search((ROOT / name).read_text())
        if found is None or found.group() != benchmark_names():
            yield f"{name}: its list of benchmarks is not benchmarks/run.py's; run `python -m tools.checks --write`."


def benchmark_names() -> str:
    """All of them as `make bench` takes one; read, not imported: a check needs no Django."""
    tree = ast.parse((ROOT / "benchmarks" / "run.py").read_text())
    table = next(
        node.value for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES"
    )  # fmt: skip
    return f"NAME={'|'.join(ast.literal_eval(table))}"


def runbook_texts() -> dict[str, str]:
    """File -> text: one page per alarm, and which there are."""
    texts = {file.name: file.read_text() for file in sorted((SOURCE / "kit" / "runbook").glob("*.md"))}
    lines = [f"- [{text.partition(chr(10))[0].removeprefix('# ')}]({name})" for name, text in texts.items()]
    head = "# Runbook\n\nOne page per alarm; the product shows the same pages under `/ui/runbook/`.\n\n"
    return {**texts, "README.md": head + "\n".join(lines) + "\n"}


def settings_page() -> Path:
    """Where the settings are documented."""
    return ROOT / "docs" / "reference" / "settings.md"


def settings_text() -> str:
    """The page as it should be."""
    rows = [f"| `{s.name}` | {f'`{s.default}`' if s.default else ''} | {s.meaning} |" for s in SETTINGS]
    head = "# Settings\n\nRead from the environment, then from `tandem.env` in the home (lines of NAME=value).\n\n"
    return head + "| setting | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
