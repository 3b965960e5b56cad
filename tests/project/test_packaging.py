"""What is promised to pip, and what the checks install."""

import ast
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.sources import PACKAGES, ROOT, parse, sources

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SKIPS = {"pytest.skip", "pytest.importorskip", "pytest.mark.skipif", "pytest.mark.skip"}
EXTRAS = PROJECT["project"]["optional-dependencies"]


def requirements(*extras: str) -> list[Requirement]:
    texts = [*PROJECT["project"]["dependencies"], *(t for extra in extras for t in EXTRAS[extra])]
    return [Requirement(text) for text in texts]


def test_the_wheel_holds_the_two_packages() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert tuple(wheel["packages"]) == PACKAGES


def test_ranges_have_two_ends() -> None:
    for need in requirements(*EXTRAS):
        if need.name != "gradwalk":
            ends = {specifier.operator for specifier in need.specifier}
            assert ends == {">=", "<"}, f"{need} should say from which version and up to which"


def test_all_is_what_a_user_wants() -> None:
    (everything,) = [Requirement(text) for text in EXTRAS["all"]]
    large = {"interop", "compare"}  # PyTorch, JAX
    assert everything.extras == EXTRAS.keys() - {"all", "docs", "test", "lint", "bench"} - large


def test_the_checks_install_exact_versions_within_the_ranges() -> None:
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    exact = {canonicalize_name(name): version for name, version in pins}
    for need in requirements(*EXTRAS.keys() - {"bench", "all"}):
        if need.name == "gradwalk":
            continue
        assert need.specifier.contains(exact[canonicalize_name(need.name)]), f"run .ci/lock: {need}"


def test_the_changelog_names_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = [line for line in changelog.splitlines() if line.startswith("## ")]
    assert any(PROJECT["project"]["version"] in heading for heading in headings)


def test_each_skip_says_what_would_make_the_test_run() -> None:
    silent = []
    for path in sources("tests"):
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in SKIPS:
                said = node.keywords or (ast.unparse(node.func) == "pytest.skip" and node.args)
                silent += [] if said else [f"{path.name}:{node.lineno}"]
    assert silent == []
