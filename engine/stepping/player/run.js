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
// As engine.wording.numbers.number writes them: what six digits hold is exact, other floats are rounded.
function number(x) {
  if (!Number.isFinite(x)) return digits(x);
  const short = general(x, 6).replace(/(\.\d*?)0+(?=e|$)/, "$1").replace(/\.(?=e|$)/, "");
  if (Number(short) === x) return Math.abs(x) < 1e-300 && x ? String(x) : short;
  if (Math.abs(x) < 1e3 || Math.abs(x) >= 1e6) return general(x, 4);
  // toFixed rounds a tie away from 0, Python to the even digit
  return (Math.abs(x) % 1 === 0.25 ? x - Math.sign(x) * 0.01 : x).toFixed(1);
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

const cut = (text, width = 40) => (text.length > width ? `${text.slice(0, width - 1)}…` : text);
const opOf = (i) => run.ops[run.op[i]];

function called(i) {
  if (run.name[i]) return cut(run.name[i]);
  if (isNumber.has(i)) return number(data[i]);
  const code = opOf(i) && run.origins[run.origin[i]][1];
  return code && code.length <= 20 ? `(${code})` : `${opOf(i)?.[0] ?? "leaf"}#${i}`;
}

function formula(i, write) {
  const [name, between] = opOf(i);
  const operands = run.parents[i].map(write);
  if (operands.length === 2 && between) return `${operands[0]} ${between} ${operands[1]}`;
  if (operands.length > 6) operands.splice(3, operands.length - 4, "…");
  return `${name}(${operands.join(", ")})`;
}

function howMade(i) {
  if (!run.parents[i].length) return called(i);
  const code = run.origins[run.origin[i]][1] || formula(i, (p) => cut(called(p), 16));
  return (run.name[i] ? `${called(i)} = ` : "") + cut(code, 120);
}
