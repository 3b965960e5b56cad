
// The picture of the graph: its nodes and arrows, what they say of the run, and which are in view.
//
// A browser needs seconds to lay thousands of nodes out, also for those that nobody looks at. So the
// picture is text at first, and what comes into view is built from it, dressed for the position.
// The text is Graphviz's, which escapes labels; all that is written later goes through textContent.

const canvas = document.querySelector(".canvas");
const parts = new Map(); // nodes and arrows by their ids
const shapes = new Map(); // the parts that show a node; a leaf may be drawn once for each use
const members = new Map(); // the nodes that a shape shows: one, or those of a box
run.id.forEach((id, i) => id && (members.get(id)?.push(i) ?? members.set(id, [i])));

// Where a part is: the rectangle around its lines.
function extent(text) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  const meet = (x, y) => {
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  };
  for (const [, line] of text.matchAll(/<(?:path|polygon|polyline) [^>]*(?:d|points)="([^"]*)"/g)) {
    const numbers = line.match(/-?[\d.]+/g).map(Number);
    for (let i = 0; i + 1 < numbers.length; i += 2) meet(numbers[i], numbers[i + 1]);
  }
  for (const [, ...found] of text.matchAll(/<ellipse [^>]*cx="(.*?)" cy="(.*?)" rx="(.*?)" ry="(.*?)"/g)) {
    const [x, y, wide, high] = found.map(Number);
    meet(x - wide, y - high);
    meet(x + wide, y + high);
  }
  return box;
}

const PART = /<g id="([^"]*)" class="((?:node|edge)[^"]*)">[^]*?<\/g>\n?/g;
canvas.innerHTML = canvas.querySelector("noscript").textContent.replace(PART, (text, name, kind) => {
  const id = name.replaceAll("&#45;", "-");
  const part = { id, text, box: extent(text), element: null };
  parts.set(id, part);
  if (kind.startsWith("node")) {
    part.shows = id.split("-")[0];
    shapes.get(part.shows)?.push(part) ?? shapes.set(part.shows, [part]);
  }
  return "";
});
const svg = canvas.querySelector("svg");
const graph = svg.querySelector("g.graph");
const { width, height } = svg.viewBox.baseVal;
const { e: across, f: down } = graph.transform.baseVal.consolidate().matrix;
for (const { box } of parts.values()) {
  box.left += across;
  box.right += across;
  box.top += down;
  box.bottom += down;
}

function arrowInto(node, k) { // the id of an arrow, if it is drawn
  const parent = run.parents[node][k];
  const [to, from] = [run.id[node], run.id[parent]];
  if (!to || !from || to === from) return null; // not drawn, or inside of a box
  return to[0] === "n" && from[0] === "n" ? `${to}-${k}` : `${from}-${to}`;
}

const headOf = new Map(); // the node that an arrow leads into; of a thick one, none
made.forEach((node) => run.parents[node].forEach((_, k) => {
  const id = arrowInto(node, k);
  if (id?.startsWith(`${run.id[node]}-`)) headOf.set(id, node);
}));

const firstStep = new Map(); // along an arrow; a thick one stands for many
const lastStep = new Map(); // to what a shape shows
run.node.forEach((node, step) => {
  const id = arrowInto(node, run.position[step]);
  if (!firstStep.has(id)) firstStep.set(id, step);
  lastStep.set(run.id[target[step]], step);
});

// --- building and dressing -----------------------------------------------------------------------
const nursery = document.createElementNS("http://www.w3.org/2000/svg", "g");
const small = () => 11 * scale < 4; // too small to read

function build(wanted) {
  nursery.innerHTML = wanted.map(({ text }) => (small() ? text.replace(/<text [^]*?<\/text>/g, "") : text)).join("");
  [...nursery.children].forEach((element, i) => {
    const part = wanted[i];
    part.element = element;
    const lines = [...element.querySelectorAll("text")];
    if (part.shows && lines.length) {
      part.room = Math.max(...lines.map((line) => line.textContent.length));
      [part.value, part.grad] = part.shows[0] === "n" ? lines.slice(-2) : [null, lines.at(-1)];
      for (const line of [part.value, part.grad]) line?.classList.add("now");
    }
    dress(part);
    graph.append(element);
  });
}

function drop(part) {
  part.element.remove();
  part.element = part.value = part.grad = null;
}

let lit = new Map(); // parts, and how they are lit

function dress(part) {
  if (!part?.element) return;
  const marks = part.element.classList;
  for (const name of ["lit", "giver", "taker"]) marks.toggle(name, lit.get(part) === name);
  if (!part.shows) {
    marks.toggle("future", headOf.has(part.id) && !isMade(headOf.get(part.id)));
    marks.toggle("done", forward + (firstStep.get(part.id) ?? Infinity) < position);
    return;
  }
  const nodes = members.get(part.shows);
  marks.toggle("watched", watched !== null && run.id[watched] === part.shows);
  marks.toggle("future", !nodes.some(isMade));
  const more = position <= forward + (lastStep.get(part.shows) ?? -1); // gradient is still to come
  marks.toggle("early", more && nodes.every((i) => Number.isFinite(data[i])));
  if (!part.grad) return;
  if (part.value) {
    const [i] = nodes;
    write(part.value, `data ${isMade(i) ? number(data[i]) : "?"}`, part);
    const alarm = !Number.isFinite(grads[i]) || (marks.contains("exploding") && !more) ? " !" : "";
    write(part.grad, `grad ${number(grads[i])}${alarm}`, part);
    return;
  }
  const sizes = nodes.map((i) => Math.abs(grads[i]));
  const bad = sizes.filter((size) => !Number.isFinite(size)).length;
  const most = sizes.reduce((a, b) => Math.max(a, b), 0);
  write(part.grad, bad ? `${bad} not finite !` : `|grad| ≤ ${number(most)}`, part);
}

const dressAll = (id) => shapes.get(id)?.forEach(dress);
const whenMade = new Map(made.map((node, order) => [node, order]));
const isMade = (i) => (whenMade.get(i) ?? -1) < position;

// Measured on a canvas: to measure in the picture would lay it out for each number.
const pen = document.createElement("canvas").getContext("2d");
pen.font = "11px Helvetica, Arial, sans-serif";

function write(element, text, part) {
  if (element.textContent === text) return;
  element.textContent = text;
  element.removeAttribute("textLength");
  if (text.length <= part.room) return; // the shape was laid out around another number
  const wide = (part.box.right - part.box.left) * 0.88;
  if (pen.measureText(text).width > wide) {
    element.setAttribute("textLength", wide);
    element.setAttribute("lengthAdjust", "spacingAndGlyphs");
  }
}

// --- what a step lights --------------------------------------------------------------------------
let seen = []; // the parts to bring into view, the most important first

function light() {
  const { pairs, look } = lights();
  const before = lit;
  lit = new Map(pairs.filter(([part]) => part));
  for (const part of [...before.keys(), ...lit.keys()]) dress(part);
  seen = look.filter((part) => part);
  follow();
}

// The shape of a node at the end of an arrow: a leaf that is drawn at each use has one for each.
function shapeAt(i, arrow) {
  const all = shapes.get(run.id[i]) ?? [];
  return all.find(({ id }) => id.endsWith(`-${arrow}`)) ?? all.find(({ id }) => id === run.id[i]);
}

function lights() {
  if (position > forward) {
    const step = position - forward - 1;
    const [giver, taker] = [run.node[step], target[step]];
    const arrow = arrowInto(giver, run.position[step]);
    const [from, to] = [shapeAt(giver, arrow), shapeAt(taker, arrow)];
    return { pairs: [[parts.get(arrow), "lit"], [from, "giver"], [to, "taker"]], look: [to, from] };
  }
  const node = made[Math.max(position - 1, 0)]; // before the first step: where it will be
  if (node === undefined) return { pairs: [], look: [] };
  const parents = run.parents[node];
  const arrows = parents.map((_, k) => arrowInto(node, k));
  const ends = parents.map((p, k) => shapeAt(p, arrows[k]));
  const look = [shapeAt(node), ...ends];
  if (!position) return { pairs: [], look };
  const edges = arrows.map((arrow) => [parts.get(arrow), "lit"]);
  return { pairs: [...edges, ...ends.map((end) => [end, "giver"]), [shapeAt(node), "taker"]], look };
}

// --- looking at the picture ----------------------------------------------------------------------
// The browser's own search finds only what is there, so few parts are there all the time.
const many = parts.size > 1500;
const MARGIN = 24; // pixels
const READABLE = 0.6; // the smallest scale at which one reads numbers
const fitting = () => Math.min((canvas.clientWidth - 2 * MARGIN) / width, (canvas.clientHeight - 2 * MARGIN) / height, 2);
let scale = 1;
let untouched = false; // the page as it opened

function view() { // the part of the picture that is in view, in its units
  const [all, window] = [svg, canvas].map((each) => each.getBoundingClientRect());
  const [left, top] = [(window.left - all.left) / scale, (window.top - all.top) / scale];
  return { left, top, right: left + canvas.clientWidth / scale, bottom: top + canvas.clientHeight / scale };
}

const middle = ({ left, top, right, bottom }) => [(left + right) / 2, (top + bottom) / 2];
const within = (box, other) => box.left >= other.left && box.right <= other.right
  && box.top >= other.top && box.bottom <= other.bottom;

function display() { // what is in view or close to it; of few parts all
  const { left, top, right, bottom } = view();
  const [wide, high] = [(right - left) / 2 + 50, (bottom - top) / 2 + 50];
  const missing = [];
  for (const part of parts.values()) {
    const { box } = part;
    const near = !many || (box.right > left - wide && box.left < right + wide
      && box.bottom > top - high && box.top < bottom + high);
    if (near && !part.element) missing.push(part);
    if (!near && part.element) drop(part);
  }
  if (missing.length) build(missing);
}

function zoom(wanted) {
  const [x, y] = middle(view());
  const could = small();
  scale = Math.min(Math.max(wanted, Math.min(0.05, fitting())), 8); // a node of which less is left is a dot
  if (small() !== could) for (const part of parts.values()) if (part.element) drop(part);
  svg.classList.toggle("small", small());
  svg.setAttribute("width", width * scale);
  svg.setAttribute("height", height * scale);
  const [left, top] = middle(view());
  canvas.scrollBy({ left: (x - left) * scale, top: (y - top) * scale, behavior: "instant" });
  display();
  follow();
}

function follow() { // bring what the step is about into view
  if (!seen.length) return;
  const now = view();
  const around = (some) => some.map(({ box }) => box).reduce((a, b) => ({
    left: Math.min(a.left, b.left), right: Math.max(a.right, b.right),
    top: Math.min(a.top, b.top), bottom: Math.max(a.bottom, b.bottom),
  }));
  const fits = (box) => box.right - box.left < now.right - now.left && box.bottom - box.top < now.bottom - now.top;
  const all = around(seen);
  const wanted = fits(all) ? all : around(seen.slice(0, 1));
  if (within(wanted, now)) return;
  const [x, y] = middle(now);
  const [left, top] = [(middle(wanted)[0] - x) * scale, (middle(wanted)[1] - y) * scale];
  const far = Math.abs(left) > 2 * canvas.clientWidth || Math.abs(top) > 2 * canvas.clientHeight;
  canvas.scrollBy({ left, top, behavior: far || calm.matches || playing ? "instant" : "smooth" });
  display();
}

function visit(i) { // bring a node into view, unless it is there
  const all = shapes.get(run.id[i]) ?? [];
  if (all.some(({ box }) => within(box, view()))) return;
  seen = all.slice(0, 1);
  follow();
}

canvas.addEventListener("scroll", display);
new ResizeObserver(display).observe(canvas);
addEventListener("beforeprint", () => build([...parts.values()].filter((part) => !part.element)));
addEventListener("afterprint", display);

canvas.addEventListener("click", (event) => {
  const nodes = members.get(parts.get(event.target.closest("g.node")?.id)?.shows);
  if (nodes?.length === 1) watch(nodes[0]);
});

// What an element says where the mouse rests, in full precision, is written when the mouse comes.
canvas.addEventListener("pointerover", (event) => {
  const shape = event.target.closest("g.node, g.edge");
  const text = shape && about(shape);
  if (text) shape.querySelector("title").textContent = text;
});

function about(shape) {
  const nodes = members.get(shape.id.split("-")[0]) ?? [];
  if (shape.classList.contains("bundle") || nodes.length !== 1) return null;
  const [i] = nodes;
  const [place] = run.origins[run.origin[i]];
  if (shape.classList.contains("node")) {
    const value = isMade(i) ? digits(data[i]) : "not computed yet";
    return `${howMade(i)}\ndata ${value}\ngrad ${digits(grads[i])}${place ? `\nmade in ${place}` : ""}`;
  }
  const step = firstStep.get(shape.id);
  if (step === undefined) return null;
  const [from, to] = [called(i), called(target[step])];
  const given = `\n${to}.grad += ${digits(upstream[step])} × ${digits(local[step])} = ${digits(contribution(step))}`;
  if (!isMade(i)) return `∂${from}/∂${to} is not computed yet`;
  return `∂${from}/∂${to} = ${digits(local[step])}${forward + step < position ? given : ""}`;
}
