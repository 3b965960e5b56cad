// The run that this page holds: its columns, its arithmetic, and how its numbers and nodes are written.

const data = run.data.map(Number);
const local = run.local.map(Number);
const seed = Number(run.seed);
const root = data.length - 1;
const isNumber = new Set(run.number); // numbers from the source: they take no gradient
const made = [...data.keys()].filter((i) => run.parents[i].length); // in the order of the forward pass
const target = run.node.map((node, step) => run.parents[node][run.position[step]]);
const forward = made.length;
const total = forward + run.node.length; // a position is how many steps were taken, of both passes

// The whole backward pass once, in the arithmetic that Python has: it is the same to the bit.
const grads = new Float64Array(data.length);
const upstream = new Float64Array(local.length);
const before = new Float64Array(local.length);
const hooks = (step) => run.hooks.filter(([at]) => at === step); // what hooks change before a step
grads[root] = seed;
for (let step = 0; step < local.length; step++) {
  for (const [, node, , changed] of hooks(step)) grads[node] = Number(changed);
  upstream[step] = grads[run.node[step]];
  before[step] = grads[target[step]];
  grads[target[step]] += upstream[step] * local[step];
}
const contribution = (step) => upstream[step] * local[step];
const after = (step) => before[step] + contribution(step);
grads.fill(0); // from here on: the gradients at the position

// --- numbers and names ---------------------------------------------------------------------------
// As engine.source.text.number writes them: what six digits hold is exact, other floats are rounded.
function number(x) {
  if (!Number.isFinite(x)) return digits(x);
  const short = general(x, 6).replace(/(\.\d*?)0+(?=e|$)/, "$1").replace(/\.(?=e|$)/, "");
  if (Number(short) === x) return Math.abs(x) < 1e-300 && x ? String(x) : short;
  if (Math.abs(x) < 1e3 || Math.abs(x) >= 1e6) return general(x, 4);
  return tenths(x);
}

function general(x, places) {
  if (Object.is(x, -0)) return "-0";
  const [mantissa, exponent] = x.toExponential(places - 1).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < places) {
    return x.toFixed(places - 1 - power) + (power === places - 1 ? "." : "");
  }
  return `${mantissa}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function digits(x) {
  return Object.is(x, -0) ? "-0" : String(x).replace("Infinity", "inf").replace("NaN", "nan");
}

const opOf = (i) => run.ops[run.op[i]];
const called = (i) => run.name[i];
const says = new Set(run.says); // nodes that are called by their expression

function formula(i, write) { // as engine.wording.names.operation writes it
  const [name, between] = opOf(i);
  const operands = run.parents[i].map(write);
  if (operands.length === 2 && between) {
    const [left, right] = operands.map((each) => (each.startsWith("-") ? `(${each})` : each));
    return `${between === "**" ? left : operands[0]} ${between} ${right}`;
  }
  if (operands.length > 4) operands.splice(2, operands.length - 3, "…");
  return `${name}(${operands.join(", ")})`;
}

function howMade(i) {
  return !run.parents[i].length || says.has(i) ? called(i) : `${called(i)} = ${formula(i, called)}`;
}
