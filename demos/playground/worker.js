// Python, in a thread of its own: while it computes, the page can be used. Messages to the page
// have a `kind`: "loading", then "ready" or "failed"; "done" after a run, or "crash"; and those of the
// console.
import createPyodideModule from "./pyodide/pyodide.asm.js";
import { loadPyodide } from "./pyodide/pyodide.js";
import { Graphviz } from "./graphviz.js";

const here = new URL(".", import.meta.url).href;
const say = (kind, text = "", name = "") => postMessage({ kind, text, name });
let interrupt, consoleOfPython;

async function file(path, how) {
  const answer = await fetch(here + path, how);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  return answer;
}

async function start() {
  say("loading", "Starting Python ...");
  await file("pyodide/pyodide.asm.wasm", { method: "HEAD" }); // without it, Pyodide waits for ever
  const python = await loadPyodide({ createPyodideModule, indexURL: `${here}pyodide/` });
  if (interrupt) python.setInterruptBuffer(interrupt);
  python.setStdin({ error: true });
  say("loading", "Loading Graphviz ...");
  const graphviz = await Graphviz.load();
  say("loading", "Loading gradwalk ...");
  const archive = await file("gradwalk.zip");
  const extractDir = python.runPython("import site; site.getsitepackages()[0]");
  python.unpackArchive(await archive.arrayBuffer(), "zip", { extractDir });
  python.globals.set("show", say);
  python.globals.set("graphviz", graphviz);
  consoleOfPython = python.runPython(`
import os, tempfile
from pathlib import Path
from demos._console import Console
from engine.drawing import LayoutError, use_layout
from pyodide.ffi import JsException

def layout(source, format, layout=graphviz.layout):
    try:
        return layout(source, format, "dot")
    except JsException as error:
        said = str(error).partition(" Use one of")[0]
        raise LayoutError(f"Graphviz in the browser made no {format}: {said}; it makes svg") from None

use_layout(layout)
os.chdir(tempfile.mkdtemp())
Console(show, Path())
`);
  say("ready", python.runPython("import platform; platform.python_version()"));
}

onmessage = async ({ data }) => {
  try {
    if (data.start) {
      interrupt = data.interrupt;
      await start();
    } else {
      if (interrupt) interrupt[0] = 0;
      consoleOfPython.run(data.run, data.echo);
      say("done");
    }
  } catch (error) {
    if (error.type === "KeyboardInterrupt") return say("done"); // Stop came when all was done
    say(data.start ? "failed" : "crash", String(error.message ?? error));
  }
};
