"""Playground: gradwalk in a page of your browser, with nothing installed.

A first course says: open this link and try it.

What is built is a folder that any web server serves as it is: Python (Pyodide) and Graphviz, both
compiled to WebAssembly, and the two packages of this project. `npm` fetches the former once, at the
exact versions of `playground/package-lock.json`. The page itself fetches nothing from elsewhere, so
that it also works in a school without a network.

Python runs in a thread of its own. The page hands it programs and shows what comes back: text,
pictures, and the pages that `to_html` writes. There is no llvmlite in a browser, so that `fit`
trains on Values one by one: slowly enough to watch, and with the same gradients. Stop interrupts
Python where the server sends the headers `Cross-Origin-Opener-Policy: same-origin` and
`Cross-Origin-Embedder-Policy: require-corp`. Without them, it starts Python anew.
"""

import doctest
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from string import Template

from demos._common import Stage
from engine.page.shell import as_json

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_suffix("")  # what the page is made of, beside this file
# From npm's packages. Some servers do not know that .mjs is a script.
PACKAGES = {
    "pyodide/pyodide.mjs": "pyodide/pyodide.js",
    "pyodide/pyodide.asm.mjs": "pyodide/pyodide.asm.js",
    "pyodide/pyodide.asm.wasm": "pyodide/pyodide.asm.wasm",
    "pyodide/pyodide-lock.json": "pyodide/pyodide-lock.json",
    "pyodide/python_stdlib.zip": "pyodide/python_stdlib.zip",
    "pyodide/README.md": "pyodide/README.md",  # with its licence
    "@hpcc-js/wasm-graphviz/dist/index.js": "graphviz.js",
    "@hpcc-js/wasm-graphviz/LICENSE": "graphviz.LICENSE",
}
LIBRARY = "gradwalk.zip"
# Packages of the base install in plain Python, and which of their files; ours are in the checkout.
NEEDED = {"gradwalk": "METADATA", "graphviz": "*", "tqdm": "*"}


def run(stage: Stage) -> None:
    """Build the folder, and say how to open it."""
    folder = stage.out / "playground"
    build(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{folder} has the whole page, {size / 1e6:.1f} MB. Any web server will do:")
    print(f"  {Path(sys.executable).name} -m http.server --directory {folder} 8000")
    print("  then open http://localhost:8000")


def build(folder: Path) -> None:
    """Put all that the page consists of into a folder. A page that was built there is replaced."""
    if folder.exists() and not (folder / LIBRARY).is_file():
        sys.exit(f"{folder} is there, and no playground; move it away, or build with another --out")
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("the playground is built with npm, which is not on PATH: install Node.js")
    with tempfile.TemporaryDirectory() as place:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PAGE / name, place)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(
                f"npm could not install what {PAGE / 'package-lock.json'} lists: {done.stderr}"
            )
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "pyodide").mkdir(parents=True)
        for source, target in PACKAGES.items():
            shutil.copy(Path(place, "node_modules", source), folder / target)
    style = (ROOT / "engine/page/shell.css", PAGE / "page.css")
    text = "".join(path.read_text(encoding="utf-8") for path in style)
    (folder / "page.css").write_text(text, encoding="utf-8")
    page = Template((PAGE / "index.html").read_text(encoding="utf-8"))
    text = page.substitute(examples=as_json(examples()))
    (folder / "index.html").write_text(text, encoding="utf-8")
    for script in PAGE.glob("*.js"):
        shutil.copy(script, folder)
    with zipfile.ZipFile(folder / LIBRARY, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, name in library():
            archive.write(path, name)


def examples() -> dict[str, str]:
    """What there is to try, by its title: the first program of the README, and the files there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first = re.findall(r"^```(?:pycon|python)\n(.*?)^```", readme, re.M | re.S)[0]
    steps = doctest.DocTestParser().get_examples(first)  # none where it has no prompts
    found = {"First steps": "".join(step.source for step in steps) or first}
    for path in sorted((PAGE / "examples").glob("*.py")):
        title = path.stem.partition("_")[2].replace("_", " ").capitalize()
        found[title] = path.read_text(encoding="utf-8")
    return found


def library() -> Iterator[tuple[Path, str]]:
    """The Python files of the page, each with its name there: ours, and those that we need."""
    ours = [*(ROOT / "engine").rglob("*"), *(ROOT / "nn").rglob("*"), ROOT / "demos/__init__.py"]
    for path in sorted([*ours, ROOT / "demos/_console.py"]):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path, str(path.relative_to(ROOT))
    for need, wanted in NEEDED.items():
        files = metadata.files(need)
        if not files:
            sys.exit(f"nobody noted which files {need} consists of; install it with pip")
        for file in files:
            if file.match(wanted) and file.suffix != ".pyc" and ".." not in file.parts:
                yield Path(str(file.locate())), str(file)
