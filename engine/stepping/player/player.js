
// Plays the run: walks over it, tells of each step in words, and is told by buttons and keys.

// --- walking -------------------------------------------------------------------------------------
function goto(wanted) {
  const next = Math.min(Math.max(Math.trunc(wanted), 0), total);
  const changed = new Set();
  const arrows = new Set();
  const arrowsOf = (node) => run.parents[node].forEach((_, k) => arrows.add(arrowInto(node, k)));
  const take = (step, grad) => {
    grads[target[step]] = grad;
    changed.add(run.id[target[step]]);
    arrows.add(arrowInto(run.node[step], run.position[step]));
  };
  const [from, to] = [position, next].map((p) => Math.max(0, p - forward));
  const call = (step, which) => hooks(step).forEach((hook) => {
    grads[hook[1]] = Number(hook[which]);
    changed.add(run.id[hook[1]]);
  });
  for (let step = from; step < to; step++) {
    take(step, after(step));
    call(step + 1, 3);
  }
  for (let step = from - 1; step >= to; step--) {
    call(step + 1, 2);
    take(step, before[step]);
  }
  const [low, high] = [Math.min(position, next), Math.max(position, next)];
  for (const node of made.slice(low, high)) {
    changed.add(run.id[node]);
    arrowsOf(node);
  }
  position = next;
  grads[root] = position >= forward ? upstream[0] ?? seed : 0;
  changed.add(run.id[root]).forEach(dressAll);
  arrows.forEach((id) => dress(parts.get(id)));
  light();
  tell();
}

// --- words ---------------------------------------------------------------------------------------
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
  const [place, ahead, code, behind] = made ? run.origins[run.origin[now.node]] : ["", "", "", ""];
  $("made").textContent = code ? "" : made; // the line says it
  $("place").textContent = place;
  $("line").replaceChildren(...(code ? [ahead, element("mark", code), behind] : []));
  document.querySelector(".digits").replaceChildren(...now.digits.flatMap(([name, x]) => [
    element("dt", name), element("dd", digits(x)),
  ]));
  $("from").textContent = now.phase;
  stand(position, total, `${position} of ${total}: ${now.target} ${now.after}`, now.spoken + (made && `, ${made} ${place}`));
  tellWatched();
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

// A list of thousands takes longer to lay out than all the rest: then it is filled when it is wanted.
function list() {
  if (choice.length > 1) return;
  for (let i = root; i >= 0; i--) {
    if (isNumber.has(i)) continue;
    choice.append(new Option(howMade(i), i));
  }
}

if (data.length < 1000) list();
for (const kind of ["pointerenter", "pointerdown", "focus"]) choice.addEventListener(kind, list);

function watch(i) {
  list();
  const before = run.id[watched];
  watched = i;
  for (const id of [before, run.id[i]]) dressAll(id);
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
    jump.title = "Go to this step";
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

// --- what only this player has -------------------------------------------------------------------
Object.assign(actions, {
  later: () => pauseAt(change(1) ?? position), earlier: () => pauseAt(change(-1) ?? position),
  larger: () => zoom(Math.max(scale * 1.25, 0.05)), smaller: () => zoom(scale / 1.25), fit: () => zoom(fitting()),
});
for (const [name, action] of Object.entries(actions)) {
  const zooms = ["larger", "smaller", "fit"].includes(name);
  actions[name] = () => {
    if (untouched && !zooms && scale < READABLE) zoom(1); // who walks wants to read
    untouched = false;
    action();
  };
}
Object.assign(keys, {
  "Shift+ArrowRight": "later", "Shift+ArrowLeft": "earlier", "+": "larger", "=": "larger", "-": "smaller", 0: "fit",
});
choice.addEventListener("change", () => {
  watch(choice.value ? Number(choice.value) : null);
  visit(watched);
});

for (const part of document.querySelectorAll("aside, .player, .zoom")) part.hidden = false;
document.body.classList.add("live");
zoom(fitting());
begin(run.start);
untouched = true; // as it opened: the whole picture, however small
