
// Plays the run over the picture of its graph. All text that comes from the run goes through
// textContent: labels are text, whatever they hold.

// --- what the picture shows ----------------------------------------------------------------------
const canvas = document.querySelector(".canvas");
const svg = canvas.querySelector("svg");
const members = new Map(); // the nodes of each element: one, or those of a box
run.id.forEach((id, i) => id && (members.get(id)?.push(i) ?? members.set(id, [i])));
const shapes = new Map(); // the elements that show a node; a leaf may be drawn once for each use
for (const shape of svg.querySelectorAll("g.node")) {
  const lines = [...shape.querySelectorAll("text")];
  const box = shape.classList.contains("group");
  const [value, grad] = box ? [null, lines.at(-1)] : lines.slice(-2);
  value?.classList.add("now");
  grad.classList.add("now");
  const one = { shape, box, value, grad, room: Math.max(...lines.map((l) => l.textContent.length)) };
  const id = shape.id.split("-")[0];
  shapes.get(id)?.push(one) ?? shapes.set(id, [one]);
}
const arrow = (id) => id && document.getElementById(id);

function arrowInto(node, operand) {
  const parent = run.parents[node][operand];
  const [to, from] = [run.id[node], run.id[parent]];
  if (!to || !from || to === from) return null; // not drawn, or inside of a box
  return arrow(to[0] === "n" && from[0] === "n" ? `${to}-${operand}` : `${from}-${to}`);
}

function write(element, text, one) {
  if (element.textContent === text) return;
  element.textContent = text;
  element.removeAttribute("textLength");
  if (text.length <= one.room) return; // the shape was laid out around another number
  const width = one.shape.querySelector(":not(title)").getBBox().width * 0.88;
  if (element.getComputedTextLength() > width) {
    element.setAttribute("textLength", width);
    element.setAttribute("lengthAdjust", "spacingAndGlyphs");
  }
}

const whenMade = new Map(made.map((node, order) => [node, order]));
const isMade = (i) => (whenMade.get(i) ?? -1) < position;
const alarm = (x) => (Number.isFinite(x) ? "" : " !");

function refresh(id) {
  for (const one of shapes.get(id) ?? []) {
    const [first] = members.get(id);
    if (one.box) {
      const sizes = members.get(id).map((i) => Math.abs(grads[i]));
      const bad = sizes.filter((size) => !Number.isFinite(size)).length;
      const most = sizes.reduce((a, b) => Math.max(a, b), 0);
      write(one.grad, bad ? `${bad} not finite !` : `|grad| ≤ ${number(most)}`, one);
      one.shape.classList.toggle("future", !members.get(id).some(isMade));
    } else {
      write(one.value, `data ${isMade(first) ? number(data[first]) : "?"}`, one);
      write(one.grad, `grad ${number(grads[first])}${alarm(grads[first])}`, one);
      one.shape.classList.toggle("future", !isMade(first));
    }
  }
}

let lit = [];

function light(pairs) {
  for (const [element, name] of lit) element.classList.remove(name);
  lit = pairs.filter(([element]) => element);
  for (const [element, name] of lit) element.classList.add(name);
  follow();
}

function lights() {
  const shown = (i, name) => (shapes.get(run.id[i]) ?? []).map((one) => [one.shape, name]);
  if (position > forward) {
    const step = position - forward - 1;
    const [giver, taker] = [run.node[step], target[step]];
    const edge = arrowInto(giver, run.operand[step]);
    return [[edge, "lit"], ...shown(giver, "giver"), ...shown(taker, "taker")];
  }
  if (!position) return [];
  const node = made[position - 1];
  const edges = run.parents[node].map((_, operand) => [arrowInto(node, operand), "lit"]);
  return [...edges, ...run.parents[node].flatMap((p) => shown(p, "giver")), ...shown(node, "taker")];
}

// --- walking -------------------------------------------------------------------------------------
let position = 0;

function goto(wanted) {
  const next = Math.min(Math.max(Math.trunc(wanted), 0), total);
  const changed = new Set();
  const [from, to] = [position, next].map((p) => Math.max(0, p - forward));
  for (let step = from; step < to; step++) take(step, after(step), true, changed);
  for (let step = from - 1; step >= to; step--) take(step, before[step], false, changed);
  const [low, high] = [Math.min(position, next), Math.max(position, next)];
  for (const node of made.slice(low, high)) changed.add(run.id[node]);
  position = next;
  grads[root] = position >= forward ? seed : 0;
  changed.add(run.id[root]).forEach(refresh);
  light(lights());
  tell();
}

function take(step, grad, done, changed) {
  grads[target[step]] = grad;
  changed.add(run.id[target[step]]);
  arrowInto(run.node[step], run.operand[step])?.classList.toggle("done", done);
}

// --- words ---------------------------------------------------------------------------------------
const $ = (name) => document.querySelector(`[data-show="${name}"]`);
const seek = document.querySelector(".seek input");
const spoken = document.querySelector(".spoken");

function story() {
  if (position > forward) return backwardStory(position - forward - 1);
  return position ? forwardStory(made[position - 1]) : {
    phase: "Before the first step", target: "Only the leaves have numbers yet", before: "", after: "",
    rule: "", numbers: "", node: null, digits: [],
    spoken: "At the beginning: only the leaves have numbers.",
  };
}

function forwardStory(node) {
  const numbers = `${formula(node, (p) => number(data[p]))} = ${number(data[node])}`;
  return {
    phase: `Forward: value ${position} of ${forward}`,
    target: called(node), before: "?", after: number(data[node]),
    rule: formula(node, called), numbers, node,
    digits: [...run.parents[node].slice(0, 20).map((p) => [called(p), data[p]]), [called(node), data[node]]],
    spoken: `Forward ${position} of ${forward}. ${called(node)} is ${numbers}`,
  };
}

function backwardStory(step) {
  const [giver, taker] = [run.node[step], target[step]];
  const [from, to] = [called(giver), called(taker)];
  const product = `${number(upstream[step])} × ${number(local[step])}`;
  return {
    phase: `Backward: edge ${step + 1} of ${total - forward}`,
    target: `${to}.grad`, before: number(before[step]), after: number(after(step)),
    rule: `+= ${from}.grad × ∂${from}/∂${to}`,
    numbers: `+= ${product} = ${number(contribution(step))}`, node: giver,
    digits: [
      [`${from}.grad`, upstream[step]], [`∂${from}/∂${to}`, local[step]],
      ["contribution", contribution(step)], ["before", before[step]], ["after", after(step)],
    ],
    spoken: `Backward ${step + 1} of ${total - forward}. ${to}.grad from ${number(before[step])} to `
      + `${number(after(step))}: plus ${product}`,
  };
}

function tell() {
  const now = story();
  for (const name of ["target", "before", "after", "rule", "numbers"]) $(name).textContent = now[name];
  document.querySelector(".step .arrow").hidden = !position;
  document.getElementById("phase").textContent = now.phase;
  const made = now.node === null ? "" : howMade(now.node);
  const [place, code, line] = made ? run.origins[run.origin[now.node]] : ["", "", ""];
  $("made").textContent = made === line ? "" : made; // or else the line alone says it
  $("place").textContent = place;
  const [ahead, ...behind] = code ? line.split(code) : [line];
  $("line").replaceChildren(...(behind.length === 1 ? [ahead, element("mark", code), behind[0]] : [line]));
  document.querySelector(".digits").replaceChildren(...now.digits.flatMap(([name, x]) => [
    element("dt", name), element("dd", digits(x)),
  ]));
  $("position").textContent = `${position} of ${total}`;
  $("from").textContent = now.phase;
  seek.value = position;
  seek.setAttribute("aria-valuetext", `${position} of ${total}: ${now.target} ${now.after}`);
  if (!playing && document.body.classList.contains("live")) {
    spoken.textContent = now.spoken + (made && `, ${made} ${place}`);
  }
  for (const [name, end] of [["first", 0], ["back", 0], ["step", total], ["last", total]]) {
    button(name).setAttribute("aria-disabled", position === end);
  }
  tellWatched();
  remember();
}

function element(kind, text) {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

// --- watching a node -----------------------------------------------------------------------------
const choice = document.querySelector(".watch select");
let watched = null;
let gifts = []; // the steps that add to its gradient

for (let i = root; i >= 0; i--) {
  if (isNumber.has(i)) continue;
  const named = run.name[i] || !run.parents[i].length || called(i) === `(${howMade(i)})`;
  choice.append(new Option(named ? howMade(i) : `${called(i)}  ${howMade(i)}`, i));
}

function watch(i) {
  for (const one of shapes.get(run.id[watched]) ?? []) one.shape.classList.remove("watched");
  watched = i;
  for (const one of shapes.get(run.id[i]) ?? []) one.shape.classList.add("watched");
  gifts = i === null ? [] : [...target.keys()].filter((step) => target[step] === i);
  choice.value = i ?? "";
  document.querySelector("aside .watched").hidden = i === null;
  tellWatched();
}

function tellWatched() {
  if (watched === null) return;
  $("grad").textContent = number(grads[watched]);
  $("grad").title = digits(grads[watched]);
  const far = gifts.filter((step) => forward + step < position);
  $("of").textContent = `${far.length} of ${gifts.length} contribution${gifts.length === 1 ? "" : "s"}`;
  button("earlier").setAttribute("aria-disabled", change(-1) === undefined);
  button("later").setAttribute("aria-disabled", change(1) === undefined);
  const list = document.querySelector(".contributions");
  list.replaceChildren(...far.slice(-100).reverse().map((step) => {
    const text = `+= ${number(upstream[step])} × ${number(local[step])} = ${number(contribution(step))}`;
    const jump = element("button", `${text}  from ${called(run.node[step])}`);
    jump.type = "button";
    jump.addEventListener("click", () => pauseAt(forward + step + 1));
    const item = document.createElement("li");
    item.append(jump);
    return item;
  }));
  if (far.length > 100) list.append(element("li", `and ${far.length - 100} before these`));
}

// The position after the next (or the previous) step that changes the gradient that is watched.
function change(way) {
  const places = gifts.filter((step) => !Object.is(after(step), before[step])).map((s) => forward + s + 1);
  return way > 0 ? places.find((p) => p > position) : places.findLast((p) => p < position);
}

// --- playing -------------------------------------------------------------------------------------
const speed = document.querySelector(".speed select");
const button = (name) => document.querySelector(`[data-do="${name}"]`);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let playing = false;

function play() {
  if (playing) return pauseAt(position);
  playing = true;
  button("play").textContent = "Pause";
  let due = 1; // the first step is taken at once
  let last = null;
  goto(position >= total ? 0 : position);
  const tick = (now) => {
    if (!playing) return;
    due += last === null ? 0 : ((now - last) / 1000) * Number(speed.value);
    last = now;
    if (due >= 1) {
      goto(position + Math.floor(due));
      due %= 1;
    }
    if (position >= total) pauseAt(total);
    else requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

function pauseAt(wanted) {
  playing = false;
  button("play").textContent = "Play";
  goto(wanted);
}

const actions = {
  play, first: () => pauseAt(0), last: () => pauseAt(total),
  step: () => pauseAt(position + 1), back: () => pauseAt(position - 1),
  later: () => pauseAt(change(1) ?? position), earlier: () => pauseAt(change(-1) ?? position),
  larger: () => zoom(scale * 1.25), smaller: () => zoom(scale / 1.25), fit: () => zoom(fitting()),
};

for (const one of document.querySelectorAll("[data-do]")) {
  one.addEventListener("click", () => actions[one.dataset.do]());
}
seek.max = total;
seek.addEventListener("input", () => pauseAt(Number(seek.value)));
choice.addEventListener("change", () => watch(choice.value ? Number(choice.value) : null));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select")) return;
  if (event.key === " " && event.target.closest("button, summary")) return;
  const key = (event.shiftKey ? "Shift+" : "") + event.key;
  const act = {
    " ": actions.play, ArrowRight: actions.step, ArrowLeft: actions.back,
    Home: actions.first, End: actions.last,
    PageDown: () => pauseAt(position + 10), PageUp: () => pauseAt(position - 10),
    "Shift+ArrowRight": actions.later, "Shift+ArrowLeft": actions.earlier,
  }[key];
  if (!act) return;
  event.preventDefault();
  act();
});

// --- the link to a step --------------------------------------------------------------------------
const linked = () => /^#step=(\d{1,9})$/.exec(location.hash)?.[1];
let later = null;

function remember() { // not at each step of a fast run: browsers allow only so many changes a second
  clearTimeout(later);
  later = setTimeout(() => {
    try {
      history.replaceState(null, "", `#step=${position}`);
    } catch { /* a page inside of another may have no address of its own */ }
  }, 150);
}

addEventListener("hashchange", () => linked() && pauseAt(Number(linked())));

// --- looking at the picture ----------------------------------------------------------------------
const { width, height } = svg.viewBox.baseVal;
const room = () => [canvas.clientWidth - 24, canvas.clientHeight - 24];
const fitting = () => Math.min(room()[0] / width, room()[1] / height, 2);
let scale = 1;

function zoom(wanted) {
  scale = Math.min(Math.max(wanted, 0.02), 8);
  svg.setAttribute("width", width * scale);
  svg.setAttribute("height", height * scale);
  follow();
}

function follow() { // bring what is lit into view
  if (canvas.scrollWidth <= canvas.clientWidth && canvas.scrollHeight <= canvas.clientHeight) return;
  const boxes = lit.map(([each]) => each).filter((each) => !each.classList.contains("edge"))
    .map((each) => each.getBoundingClientRect());
  if (!boxes.length) return;
  const view = canvas.getBoundingClientRect();
  const sides = {
    left: Math.min(...boxes.map((b) => b.left)), right: Math.max(...boxes.map((b) => b.right)),
    top: Math.min(...boxes.map((b) => b.top)), bottom: Math.max(...boxes.map((b) => b.bottom)),
  };
  if (sides.left >= view.left && sides.right <= view.right
    && sides.top >= view.top && sides.bottom <= view.bottom) return;
  canvas.scrollBy({
    left: (sides.left + sides.right) / 2 - (view.left + view.right) / 2,
    top: (sides.top + sides.bottom) / 2 - (view.top + view.bottom) / 2,
    behavior: calm.matches || playing ? "instant" : "smooth",
  });
}

canvas.addEventListener("click", (event) => {
  const nodes = members.get(event.target.closest("g.node")?.id.split("-")[0]);
  if (nodes?.length === 1) watch(nodes[0]);
});

// What an element says where the mouse rests, in full precision, is written when the mouse comes.
canvas.addEventListener("pointerover", (event) => {
  const shape = event.target.closest("g.node, g.edge");
  const text = shape && about(shape);
  if (text) shape.querySelector("title").textContent = text;
});

function about(shape) {
  const [first, operand] = shape.id.split("-");
  const nodes = members.get(first) ?? [];
  if (shape.classList.contains("bundle") || nodes.length !== 1) return null;
  const [i] = nodes;
  const [place] = run.origins[run.origin[i]];
  if (shape.classList.contains("node")) {
    const value = isMade(i) ? digits(data[i]) : "not computed yet";
    return `${howMade(i)}\ndata ${value}\ngrad ${digits(grads[i])}${place ? `\nmade in ${place}` : ""}`;
  }
  const step = run.node.findIndex((node, s) => node === i && run.operand[s] === Number(operand));
  if (step < 0) return null;
  const [from, to] = [called(i), called(target[step])];
  const given = `\n${to}.grad += ${digits(upstream[step])} × ${digits(local[step])} = ${digits(contribution(step))}`;
  return `∂${from}/∂${to} = ${digits(local[step])}${forward + step < position ? given : ""}`;
}

// --- here we go ----------------------------------------------------------------------------------
for (const part of document.querySelectorAll("aside, .player, .zoom")) part.hidden = false;
members.forEach((_, id) => refresh(id));
document.body.classList.add("live");
zoom(Math.max(fitting(), 1));
goto(Number(linked() ?? run.start));
spoken.textContent = "";
