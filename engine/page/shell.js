// What drives a player: buttons, keys, the bar, and the link to a position.
//
// The page's own scripts follow in the same module. They define `total`, the last position, and
// `goto(position)`, which shows one and ends with `stand`. Then they call `begin`. All text of the
// data goes through textContent (or is painted on a canvas): names are text, whatever they hold.

const run = JSON.parse(document.getElementById("run").textContent);
const $ = (name) => document.querySelector(`[data-show="${name}"]`);
const button = (name) => document.querySelector(`[data-do="${name}"]`);
const seek = document.querySelector(".seek input");
const speed = document.querySelector(".speed select");
const spoken = document.querySelector(".spoken");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const unit = document.body.dataset.unit;
let position = 0;
let playing = false;
let calmest = Infinity; // positions a second where less motion is preferred
let positionOf = Number; // of the number in a link

// One digit behind the point. toFixed rounds a tie away from 0, Python to the even digit.
const tenths = (x) => (Math.abs(x) % 1 === 0.25 ? x - Math.sign(x) * 0.01 : x).toFixed(1);

function play() {
  if (playing) return pauseAt(position);
  playing = true;
  button("play").textContent = "Pause";
  let due = 1; // the first step is taken at once
  let last = null;
  goto(position >= total ? 0 : position);
  const tick = (now) => {
    if (!playing) return;
    const pace = Math.min(Number(speed.value), calm.matches ? calmest : Infinity);
    due += last === null ? 0 : ((now - last) / 1000) * pace;
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

// Tells where the page stands: beside the bar, to a screen reader, and in the address.
function stand(at, last, value, said) {
  $("position").textContent = `${at} of ${last}`;
  seek.value = position;
  seek.setAttribute("aria-valuetext", value);
  if (!playing) spoken.textContent = said;
  for (const [name, end] of [["first", 0], ["back", 0], ["step", total], ["last", total]]) {
    button(name).setAttribute("aria-disabled", position === end);
  }
  remember(at);
}

// --- buttons and keys ----------------------------------------------------------------------------
const actions = {
  play, first: () => pauseAt(0), last: () => pauseAt(total),
  step: () => pauseAt(position + 1), back: () => pauseAt(position - 1),
  ahead: () => pauseAt(position + 10), behind: () => pauseAt(position - 10),
};
const keys = {
  " ": "play", ArrowRight: "step", ArrowLeft: "back", Home: "first", End: "last",
  PageDown: "ahead", PageUp: "behind",
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select")) return;
  if (event.key === " " && event.target.closest("button, summary")) return;
  const name = keys[(event.shiftKey && event.key.length > 1 ? "Shift+" : "") + event.key];
  if (!name) return;
  event.preventDefault();
  actions[name]();
});

// --- the link to a position ----------------------------------------------------------------------
const linked = () => new RegExp(`^#${unit}=(\\d{1,9})$`).exec(location.hash)?.[1];
let later = null;

function remember(at) { // not at each step of a fast run: browsers allow only so many changes a second
  clearTimeout(later);
  later = setTimeout(() => {
    try {
      history.replaceState(null, "", `#${unit}=${at}`);
    } catch { /* a page inside of another may have no address of its own */ }
  }, 150);
}

// --- here we go ----------------------------------------------------------------------------------
function begin(start) {
  for (const one of document.querySelectorAll("[data-do]")) {
    one.addEventListener("click", () => actions[one.dataset.do]());
  }
  seek.max = total;
  seek.addEventListener("input", () => pauseAt(Number(seek.value)));
  addEventListener("hashchange", () => linked() && pauseAt(positionOf(Number(linked()))));
  goto(positionOf(Number(linked() ?? start)));
  spoken.textContent = "";
}
