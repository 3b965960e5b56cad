"use strict";
// The page: an editor, a console, and a thread that runs Python (worker.js).

const $$ = (id) => document.getElementById(id);
const [code, log, prompt, run, stop] = ["code", "log", "prompt", "run", "stop"].map($$);
const STEPS = 4; // of loading, as worker.js tells them
const BLOCKS = 2000; // of output that are kept
// Python can be interrupted where the server lets pages share memory; else its thread is ended.
const interrupt = self.crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : null;
let worker, ready = false, running = false;

// --- Python --------------------------------------------------------------------------------------
function start() {
  ready = false;
  if (interrupt) interrupt[0] = 0;
  $$("loading").hidden = false;
  $$("loading").value = 0;
  status("Loading Python, 13 MB ...");
  worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = ({ data }) => (heard[data.kind] ?? add)(data.text, data.name, data.kind);
  worker.onerror = () => heard.failed("its files did not come");
  worker.postMessage({ start: true, interrupt });
  enable();
}

const heard = {
  loading(text) {
    $$("loading").value += 1;
    status(text);
  },
  ready(version) {
    ready = true;
    $$("loading").hidden = true;
    status(`Python ${version} is ready.`);
    enable();
  },
  failed: (text) => fail(`Python could not be started (${text}). Is the folder complete, as it was built?`),
  done() {
    running = false;
    status("Ready.");
    enable();
  },
  crash(text) {
    add(`Python has crashed and is started anew; its variables are gone. (${text})`, "", "note");
    again();
  },
  svg: (text) => figure(text, "", "svg"),
  html: (text) => figure(text, "", "table"),
  file(text, name) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    figure(bytes, name, name.split(".").pop().toLowerCase());
  },
};

function send(text, echo) {
  if (!ready || running || !text.trim()) return;
  running = true;
  if (!echo && log.childElementCount) append(element("hr", {}));
  status("Running ...");
  enable();
  worker.postMessage({ run: text, echo });
}

function again() {
  worker.terminate();
  running = false;
  start();
}

function halt() {
  if (!running) return;
  if (interrupt && !interrupt[0]) {
    interrupt[0] = 2; // Python sets it back when it has seen it
    status("Stopping ... (Stop again starts Python anew.)");
  } else {
    add("Stopped. Python is started anew, and its variables are gone.", "", "note");
    again();
  }
}

// --- what is seen --------------------------------------------------------------------------------
function status(text) {
  $$("status").textContent = text;
}

function fail(text) {
  worker?.terminate();
  ready = running = false;
  $$("loading").hidden = true;
  status("Not running.");
  $$("alert").textContent = text;
  $$("alert").hidden = false;
  enable();
}

function enable() {
  run.disabled = !ready || running;
  stop.disabled = !running;
  prompt.disabled = !ready;
}

function append(element) {
  const follow = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(element);
  while (log.childElementCount > BLOCKS) log.firstElementChild.remove();
  if (follow) log.scrollTop = log.scrollHeight;
}

function add(text, _, kind) {
  const last = log.lastElementChild;
  if (last?.className === kind && !last.textContent.endsWith("\n")) {
    last.append(text); // the rest of a line
    append(last);
  } else {
    append(element("pre", { className: kind, textContent: text }));
  }
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const KINDS = { svg: "image/svg+xml", html: "text/html", png: "image/png" };
const LOOKS = ":host { all: initial; color: inherit; font: inherit } svg { max-width: max(100%, var(--least)); height: auto }";

function figure(content, name, kind) {
  const caption = element("figcaption", { textContent: name });
  if (kind !== "table") {
    const type = KINDS[kind] ?? "application/octet-stream";
    const href = URL.createObjectURL(new Blob([content], { type }));
    if (KINDS[kind]) {
      caption.append(element("a", { href, target: "_blank", textContent: "Open in a tab" }));
    }
    caption.append(element("a", { href, download: name || `picture.${kind}`, textContent: "Save" }));
    content = shown(content, name, kind, href);
  } else {
    content = inside(content);
  }
  append(element("figure", {}, content, caption));
}

function shown(content, name, kind, href) {
  if (kind === "html") return element("iframe", { src: href, title: name });
  if (kind === "png") return element("div", { className: "picture" }, element("img", { src: href, alt: name }));
  if (kind === "svg") return inside(typeof content === "string" ? content : new TextDecoder().decode(content));
  return "";
}

// In a tree of its own, since two pictures may use the same ids.
function inside(markup) {
  const host = element("div", { className: "picture", tabIndex: 0, role: "group", ariaLabel: "Result" });
  const root = host.attachShadow({ mode: "open" });
  root.innerHTML = `<style>${LOOKS}</style>${markup}`;
  const width = root.querySelector("svg")?.width.baseVal.value;
  host.style.setProperty("--least", `${0.6 * width}px`); // smaller it could not be read
  return host;
}

// --- the editor and the prompt -------------------------------------------------------------------
const originals = JSON.parse($$("examples").textContent);
const examples = { ...originals }; // with what was changed
for (const title of Object.keys(examples)) {
  const button = element("button", { type: "button", textContent: title, title: "Click again for the original" });
  button.onclick = () => choose(title);
  document.querySelector(".examples").append(button);
}
let chosen;

function choose(title) {
  if (chosen) examples[chosen] = code.value;
  if (chosen === title) examples[title] = originals[title];
  chosen = title;
  code.value = examples[title];
  code.scrollTop = 0;
  for (const button of document.querySelectorAll(".examples button")) {
    button.ariaPressed = button.textContent === title;
  }
}

code.onkeydown = (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
  const line = code.value.slice(0, code.selectionStart).split("\n").pop();
  const indent = /^\s*/.exec(line)[0] + (/:\s*$/.test(line) ? "    " : "");
  event.preventDefault();
  document.execCommand("insertText", false, `\n${indent}`); // unlike a new value, it can be undone
};

document.onkeydown = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    send(code.value, false);
  }
};

const typed = [];
let at = 0;
prompt.onkeydown = (event) => {
  const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!move || !typed.length) return;
  event.preventDefault();
  at = Math.max(0, Math.min(typed.length, at + move));
  prompt.value = typed[at] ?? "";
};
$$("ask").onsubmit = (event) => {
  event.preventDefault();
  if (running || !prompt.value.trim()) return;
  at = typed.push(prompt.value);
  send(prompt.value, true);
  prompt.value = "";
};
run.onclick = () => send(code.value, false);
stop.onclick = halt;
$$("clear").onclick = () => log.replaceChildren();

choose(Object.keys(examples)[0]);
if (location.protocol === "file:") {
  const folder = decodeURIComponent(location.pathname).replace(/\/[^/]*$/, "");
  fail(`A browser runs Python only in pages that come from a web server, and this one was opened as a file.
    Start one: python3 -m http.server --directory "${folder}" 8000
    Then open http://localhost:8000`);
} else {
  start();
}
