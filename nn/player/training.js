// Plays a training over its recording.

const total = run.epochs.length - 1; // a position is an index of the epochs that the page has

function make(parent, tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const number = (x) => (Number.isFinite(x) ? String(Number(x.toPrecision(4))) : String(x));
const percent = (x) => `${tenths(100 * x)}%`;

// --- weights -------------------------------------------------------------------------------------
const net = run.network;
const drawing = document.querySelector(".network svg");
const lines = [];
let weights, largest;

function readWeights() {
  const view = new DataView(bytes(net.weights).buffer);
  weights = Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
  largest = weights.reduce((most, w) => (Number.isFinite(w) ? Math.max(most, Math.abs(w)) : most), 0) || 1;
  legend($("lines"), [["weight", "positive"], ["weight minus", "negative"]],
    `The widest line is ${number(largest)}; the boxes are biases. Rest the mouse on a line to read it.`);
}

function drawNetwork() { // in the pixels of the page, so that its labels can be read
  drawing.replaceChildren();
  lines.length = 0;
  const most = Math.max(...net.columns.map((column) => column.units.length));
  const step = most > 10 ? 26 : 36, radius = most > 10 ? 9 : 12;
  const room = (names) => 20 + 6.8 * Math.max(4, ...names.map((name) => name.length));
  const [left, right] = [room(net.features), room(net.classes)];
  const gaps = Math.max(net.columns.length - 1, 1);
  const apart = Math.max((drawing.parentElement.clientWidth - left - right) / gaps, 56);
  drawing.setAttribute("width", left + right + apart * gaps);
  drawing.setAttribute("height", 76 + step * (most + 1));
  const x = (k) => left + apart * k;
  const y = (k, slot) => 64 + step * (slot + (most - net.columns[k].units.length) / 2);
  const under = make(drawing, "g", {});
  net.lines.forEach(([k, from, to], i) => {
    const line = make(under, "line", { x1: x(k), y1: y(k, from), x2: x(k + 1), y2: y(k + 1, to), class: "weight" });
    lines.push({ line, title: make(line, "title", {}), name: net.names[i] });
  });
  net.columns.forEach((column, k) => {
    const count = column.units.length;
    [column.size, column.words].forEach((words, i) => {
      make(drawing, "text", { x: x(k), y: 14 + 16 * i, "text-anchor": "middle" }, words);
    });
    column.units.forEach((unit, slot) => {
      make(drawing, "circle", { cx: x(k), cy: y(k, slot), r: radius, class: "unit" });
      const names = k === 0 ? net.features : k === net.columns.length - 1 ? net.classes : [];
      if (!names.length) return;
      const end = k === 0 ? { x: x(k) - radius - 6, "text-anchor": "end" } : { x: x(k) + radius + 6 };
      make(drawing, "text", { ...end, y: y(k, slot) + 4 }, names[unit]);
    });
    if (count < column.size) {
      const middle = (y(k, count / 2 - 1) + y(k, count / 2)) / 2;
      make(drawing, "text", { x: x(k) + radius + 2, y: middle + 3, class: "quiet" }, "⋮");
    }
    if (k === net.columns.length - 1) return;
    const box = radius * 0.8;
    make(drawing, "rect", { x: x(k) - box, y: y(k, count) - box, width: 2 * box, height: 2 * box, class: "unit" });
    make(drawing, "text", { x: x(k), y: y(k, count) + 4, "text-anchor": "middle" }, "1");
  });
}

// A line of words, each behind a piece of the line or the shape that it is about.
function legend(place, entries, rest) {
  place.replaceChildren(...entries.flatMap(([kind, words, draw]) => {
    const sign = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    sign.setAttribute("class", "sign");
    sign.setAttribute("aria-hidden", "true");
    if (draw) draw(sign);
    else make(sign, "line", { x1: 0, y1: 8, x2: 24, y2: 8, "stroke-width": 3, class: kind });
    return [sign, ` ${words}   `];
  }), rest);
}

function showWeights() {
  const row = weights.subarray(position * lines.length, (position + 1) * lines.length);
  lines.forEach(({ line, title, name }, i) => {
    const share = Number.isFinite(row[i]) ? Math.abs(row[i]) / largest : 1;
    line.setAttribute("stroke-width", (0.2 + 5 * share).toFixed(2));
    line.setAttribute("stroke-opacity", (0.15 + 0.85 * Math.sqrt(share)).toFixed(2));
    line.classList.toggle("minus", row[i] < 0);
    line.classList.toggle("odd", !Number.isFinite(row[i]));
    title.textContent = `${name} = ${number(row[i])}`;
  });
  const sizes = row.reduce((sum, w) => sum + Math.abs(w), 0) / row.length;
  drawing.setAttribute("aria-label", `The network. Its weights have a mean size of ${number(sizes)}`);
}

// --- curves --------------------------------------------------------------------------------------
const plots = [];
const log = Object.fromEntries(Object.entries(run.log).map(([name, xs]) => [name, xs.map(Number)]));
const WIDE = 420, HIGH = 170, LEFT = 54, RIGHT = 10, TOP = 20, BOTTOM = 24;
const end = run.epochs[total];
const across = (epoch) => LEFT + (WIDE - LEFT - RIGHT) * (end ? epoch / end : 0);

function drawCurve(name) {
  const curves = [name, `val_${name}`].filter((each) => each in log);
  const seen = curves.flatMap((each) => log[each]).filter(Number.isFinite);
  const top = name === "accuracy" ? 1 : Math.max(...seen, 0) || 1;
  const bottom = Math.min(0, ...seen);
  const write = name === "accuracy" ? percent : number;
  const up = (x) => TOP + (HIGH - TOP - BOTTOM) * (1 - (x - bottom) / (top - bottom));
  const svg = make(document.querySelector(".plots"), "svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" });
  svg.setAttribute("aria-label", `${name} over the epochs`);
  make(svg, "text", { x: LEFT, y: 12 }, name);
  curves.slice(1).forEach(() => ["", " val"].forEach((kind, i) => { // which line is which
    const at = WIDE - RIGHT - (i ? 94 : 194);
    make(svg, "path", { d: `M${at},8h22`, class: `curve${kind}` });
    make(svg, "text", { x: at + 27, y: 12 }, i ? "validation" : "training");
  }));
  make(svg, "path", { d: `M${LEFT},${TOP}V${HIGH - BOTTOM}H${WIDE - RIGHT}`, class: "axis" });
  for (const x of [bottom, top]) make(svg, "text", { x: LEFT - 5, y: up(x) + 4, "text-anchor": "end", class: "quiet" }, write(x));
  make(svg, "text", { x: LEFT, y: HIGH - 8, class: "quiet" }, "0");
  make(svg, "text", { x: WIDE - RIGHT, y: HIGH - 8, "text-anchor": "end", class: "quiet" }, `epoch ${end}`);
  make(svg, "line", { x1: across(run.kept), x2: across(run.kept), y1: TOP, y2: HIGH - BOTTOM, class: "kept" });
  const now = make(svg, "line", { y1: TOP, y2: HIGH - BOTTOM, class: "now" });
  const dots = curves.map((each, i) => {
    const kind = i ? " val" : "";
    let pen = "M"; // a gap where a number is not finite
    const d = log[each].map((x, epoch) => {
      if (!Number.isFinite(x)) { pen = "M"; return ""; }
      const part = `${pen}${across(epoch).toFixed(1)},${up(x).toFixed(1)}`;
      pen = "L";
      return part;
    }).join("");
    make(svg, "path", { d, class: `curve${kind}` });
    return { each, dot: make(svg, "circle", { r: 5, class: `dot${kind}` }) };
  });
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (WIDE * (event.clientX - box.left)) / box.width;
    pauseAt(nearest((end * (x - LEFT)) / (WIDE - LEFT - RIGHT)));
  });
  plots.push({ now, dots, up });
}

function showCurves(epoch) {
  for (const { now, dots, up } of plots) {
    now.setAttribute("x1", across(epoch));
    now.setAttribute("x2", across(epoch));
    for (const { each, dot } of dots) {
      const x = log[each][epoch];
      dot.setAttribute("visibility", Number.isFinite(x) ? "visible" : "hidden");
      dot.setAttribute("cx", across(epoch));
      if (Number.isFinite(x)) dot.setAttribute("cy", up(x));
    }
  }
}

const words = { loss: "loss", val_loss: "validation loss", accuracy: "accuracy", val_accuracy: "validation accuracy" };
const told = (name, epoch) => (name.endsWith("accuracy") ? percent : number)(log[name][epoch]);
const cells = new Map();
for (const name of Object.keys(log)) {
  const list = document.querySelector(".figures");
  list.appendChild(document.createElement("dt")).textContent = words[name];
  cells.set(name, list.appendChild(document.createElement("dd")));
}

// --- regions -------------------------------------------------------------------------------------
const plane = run.regions;
const canvas = document.querySelector("canvas");
const COLOURS = [[0, 114, 178], [230, 120, 0], [0, 158, 115], [204, 90, 160], [130, 110, 30], [86, 180, 233], [110, 110, 110]];
const dark = matchMedia("(prefers-color-scheme: dark)");
let grid, small;

function drawPlane() {
  grid = bytes(plane.grid);
  small = document.createElement("canvas");
  small.width = small.height = plane.cells;
  const axes = `Across: ${plane.features[0]}; upwards: ${plane.features[1]}.`;
  const rest = plane.samples > plane.points.length ? ` ${plane.points.length} of ${plane.samples} samples are shown.` : "";
  const kinds = plane.classes.map((name, k) => ["", name, (sign) => {
    sign.classList.add("shape");
    make(sign, "path", { d: outline([10, 8], k), fill: rgb(COLOURS[k % COLOURS.length]) });
  }]);
  const scale = [[plane.low, 0], [plane.high, 255]].map(([x, level]) => ["", number(x), (sign) => {
    sign.classList.add("shape");
    make(sign, "path", { d: outline([10, 8], 1), fill: rgb(colour(0, level)) });
  }]);
  legend($("classes"), plane.kinds ? kinds : scale,
    `${plane.kinds ? "The stronger the colour, the surer." : "Circles are targets."} ${axes}${rest}`);
}

const rgb = ([r, g, b]) => `rgb(${r} ${g} ${b})`;

function colour(kind, level) { // of a regression from dark blue to light yellow
  if (plane.kinds) return COLOURS[kind % COLOURS.length];
  const t = level / 255;
  return [[0, 253], [32, 231], [96, 55]].map(([a, b]) => Math.round(a + (b - a) * t));
}

function showPlane() {
  const side = plane.cells, size = side * side * 2;
  const paint = small.getContext("2d");
  const image = paint.createImageData(side, side);
  for (let i = 0; i < side * side; i++) {
    const [kind, level] = grid.subarray(position * size + 2 * i, position * size + 2 * i + 2);
    const alpha = kind === 255 ? 0 : plane.kinds ? 30 + 0.55 * level : 255;
    image.data.set([...colour(kind, level), alpha], 4 * i);
  }
  paint.putImageData(image, 0, 0);
  const draw = canvas.getContext("2d");
  draw.clearRect(0, 0, canvas.width, canvas.height);
  draw.drawImage(small, 0, 0, canvas.width, canvas.height);
  const [[left, bottom], [right, top]] = plane.window;
  draw.lineWidth = 2;
  draw.strokeStyle = "#ffffff";
  for (const [x, y, kind] of plane.points) {
    const at = [(canvas.width * (x - left)) / (right - left), (canvas.height * (top - y)) / (top - bottom)];
    const level = (255 * (kind - plane.low)) / (plane.high - plane.low || 1);
    draw.fillStyle = rgb(colour(kind, level));
    const shape = new Path2D(outline(at, plane.kinds ? kind : 0));
    draw.fill(shape);
    draw.stroke(shape);
  }
  const epoch = run.epochs[position];
  canvas.setAttribute("aria-label", `The plane of ${plane.features.join(" and ")}, coloured by what the model answers at epoch ${epoch}`);
}

// The outline of a sample's shape: a circle, square, triangle, diamond or cross.
function outline([x, y], kind) {
  const r = 8;
  const through = (...points) => `M${points.map(([a, b]) => `${x + a} ${y + b}`).join("L")}Z`;
  return [
    `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
    through([-r, -r], [r, -r], [r, r], [-r, r]),
    through([0, -r - 1], [r + 1, r], [-r - 1, r]),
    through([0, -r - 2], [r + 2, 0], [0, r + 2], [-r - 2, 0]),
    through([-3, -9], [3, -9], [3, -3], [9, -3], [9, 3], [3, 3], [3, 9], [-3, 9], [-3, 3], [-9, 3], [-9, -3], [-3, -3]),
  ][kind % 5];
}

// --- walking -------------------------------------------------------------------------------------
function nearest(epoch) {
  let best = 0;
  run.epochs.forEach((each, i) => { if (Math.abs(each - epoch) < Math.abs(run.epochs[best] - epoch)) best = i; });
  return best;
}

function goto(wanted) {
  position = Math.min(Math.max(Math.round(wanted), 0), total);
  const epoch = run.epochs[position];
  if (net) showWeights();
  showCurves(epoch);
  if (plane) showPlane();
  for (const [name, cell] of cells) cell.textContent = told(name, epoch);
  const kept = epoch === run.kept ? (epoch ? ", kept" : ", before training, kept") : epoch ? "" : ", before training";
  $("epoch").textContent = `${epoch} of ${end}${kept}`;
  const said = `Epoch ${epoch}${kept}. ${[...cells.keys()].map((name) => `${words[name]} ${told(name, epoch)}`).join(", ")}`;
  stand(epoch, end, said, said);
}

dark.addEventListener("change", () => plane && showPlane());

// --- here we go ----------------------------------------------------------------------------------
document.querySelector(".network").hidden = !net;
document.querySelector(".regions").hidden = !plane;
if (plane) drawPlane();
for (const name of ["loss", "accuracy"]) if (name in log) drawCurve(name);
for (const part of document.querySelectorAll("main, .player")) part.hidden = false;
if (net) {
  readWeights();
  new ResizeObserver(() => {
    drawNetwork();
    showWeights();
  }).observe(drawing.parentElement);
  drawNetwork();
}
$("from").textContent = "0 = before training";
calmest = 2;
positionOf = nearest;
begin(run.kept);
