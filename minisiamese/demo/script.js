"use strict";

const CARDS = 20;
const PAPER = 256; // pixels of a drawing's side as it is sent, and the unit of its strokes
const EDGE = 8; // pixels at the paper's edge that stay blank
const PEN = 10; // of a usual size of drawing as wide as the pens that the network knows
const LETTERS = "abcdefghijklmnopqrst";
const LARGEST = 5 << 20; // bytes of an alphabet that is loaded
const $ = (id) => document.getElementById(id);

// --- questions to the server -----------------------------------------------------------------------------------------

async function ask(name, question) {
  let response, answer;
  try {
    response = await fetch(name, { method: "POST", body: JSON.stringify(question) });
  } catch {
    throw new Error("The program behind this page does not answer: start it again, and open the address that it shows.");
  }
  try {
    answer = await response.json();
  } catch {
    throw new Error(`The program behind this page gave no answer that can be read (${response.status}).`);
  }
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// Run something that may fail; what went wrong stands at the top of the page. Its button waits for the end of it.
async function trying(action, button = {}) {
  say("");
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
    show();
  }
}

function say(words, wrong = false) {
  $("status").textContent = words;
  $("status").style.color = wrong ? "" : "inherit";
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const source = (png) => `data:image/png;base64,${png}`;
const picture = (png, alt) => element("img", { src: source(png), alt });

// --- drawings --------------------------------------------------------------------------------------------------------

// A drawing is a picture that was loaded, if there is one, and strokes on it: lists of points [x, y].
class Drawing {
  constructor() {
    this.clear();
  }

  clear() {
    Object.assign(this, { image: null, strokes: [], known: null });
  }

  get empty() {
    return !this.image && !this.strokes.length;
  }

  change(strokes) {
    this.strokes = strokes;
    this.known = null;
  }

  // Show a picture that was loaded; its PNG is sent as it is, until somebody draws on it.
  show(image, png) {
    Object.assign(this, { image, strokes: [], known: png });
  }

  paint(canvas) {
    const pen = canvas.getContext("2d");
    pen.setTransform(canvas.width / PAPER, 0, 0, canvas.height / PAPER, 0, 0);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, PAPER, PAPER);
    if (this.image) {
      const { naturalWidth: width, naturalHeight: height } = this.image;
      const scale = PAPER / Math.max(width, height);
      pen.drawImage(this.image, (PAPER - scale * width) / 2, (PAPER - scale * height) / 2, scale * width, scale * height);
    }
    Object.assign(pen, { strokeStyle: "#000000", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
    for (const [first, ...others] of this.strokes) {
      pen.beginPath();
      pen.moveTo(...first);
      for (const point of others) pen.lineTo(...point);
      pen.stroke();
      pen.beginPath(); // a dot: some browsers paint no line of one point
      pen.arc(...first, PEN / 2, 0, 2 * Math.PI);
      pen.fillStyle = "#000000";
      pen.fill();
    }
  }

  // Its PNG, as base64.
  get png() {
    if (!this.known) {
      const canvas = element("canvas", { width: PAPER, height: PAPER });
      this.paint(canvas);
      this.known = canvas.toDataURL("image/png").split(",")[1];
    }
    return this.known;
  }
}

const question = new Drawing();
const cards = Array.from({ length: CARDS }, (_, place) => {
  const canvas = element("canvas", { width: 128, height: 128 });
  const words = element("span", { textContent: place + 1 });
  const button = element("button", { type: "button", className: "card" }, canvas, words);
  const why = element("button", { type: "button", className: "why", textContent: "why?", hidden: true });
  const card = { drawing: new Drawing(), item: element("li", {}, button, why), canvas, words, button, why, name: place + 1 };
  button.addEventListener("click", () => {
    select(place);
    pad.focus();
  });
  why.addEventListener("click", () => trying(() => explain(card), why));
  return card;
});
let current = 0; // the place of the card that is drawn on; -1 is the question

const drawn = () => (current < 0 ? question : cards[current].drawing);
const filled = () => cards.filter((card) => !card.drawing.empty);

function select(place) {
  current = place;
  $("target").textContent = place < 0 ? "Draw one again" : `Card ${place + 1}`;
  $("ask").textContent = place < 0 ? "Ask again" : "Ask";
  cards.forEach((card, each) => card.button.setAttribute("aria-pressed", each === place));
  Object.assign(cursor, { x: PAPER / 2, y: PAPER / 2, down: false });
  pressed = null;
  show();
}

function show() {
  drawn().paint($("pad"));
  if ($("pad").matches(":focus-visible")) paintCursor(); // who draws with a mouse sees no pen
  for (const card of cards) {
    card.drawing.paint(card.canvas);
    const state = card.drawing.empty ? "empty" : "drawn";
    card.button.setAttribute("aria-label", `Card ${card.name}, ${state}${card.p === undefined ? "" : `, ${percent(card.p)}`}`);
  }
  $("undo").disabled = !drawn().strokes.length;
  $("clear").disabled = drawn().empty;
  $("save").disabled = $("empty").disabled = $("ask").disabled = !filled().length;
  $("next").disabled = filled().length === CARDS;
}

function changed() {
  show();
  rank();
}

// --- the paper: pointer and keys -------------------------------------------------------------------------------------

const pad = $("pad");
const cursor = {}; // the pen of who draws by keys: x, y, and whether it is down
let pressed = null; // the pointer that draws
let stroke = []; // which it draws

function at(event) {
  const box = pad.getBoundingClientRect();
  const along = (value, start, length) => Math.min(PAPER - EDGE, Math.max(EDGE, ((value - start) / length) * PAPER));
  return [along(event.clientX, box.left, box.width), along(event.clientY, box.top, box.height)];
}

pad.addEventListener("pointerdown", (event) => {
  if (pressed !== null || event.button) return;
  pressed = event.pointerId;
  pad.setPointerCapture(pressed);
  cursor.down = false;
  stroke = [at(event)];
  drawn().change([...drawn().strokes, stroke]);
  changed();
});
pad.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pressed) return;
  stroke.push(...(event.getCoalescedEvents?.().map(at) ?? []), at(event));
  drawn().change(drawn().strokes);
  changed();
});
for (const end of ["pointerup", "pointercancel"]) {
  pad.addEventListener(end, (event) => {
    if (event.pointerId !== pressed) return;
    pressed = null;
    rank(); // once more, for what is said of a drawing that is done
  });
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
pad.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || (event.repeat && !(event.key in ARROWS))) return;
  if (event.key === "Enter") {
    onward();
  } else if (event.key === " ") {
    cursor.down = !cursor.down;
    if (cursor.down) drawn().change([...drawn().strokes, [[cursor.x, cursor.y]]]);
    changed();
  } else if (event.key in ARROWS) {
    const [x, y] = ARROWS[event.key];
    cursor.x = Math.min(PAPER - EDGE, Math.max(EDGE, cursor.x + 8 * x));
    cursor.y = Math.min(PAPER - EDGE, Math.max(EDGE, cursor.y + 8 * y));
    if (cursor.down) {
      const strokes = drawn().strokes;
      strokes.at(-1).push([cursor.x, cursor.y]);
      drawn().change(strokes);
      changed();
    } else {
      show();
    }
  } else {
    return;
  }
  event.preventDefault();
});
for (const event of ["focus", "blur"]) pad.addEventListener(event, show);

function paintCursor() {
  const pen = pad.getContext("2d");
  Object.assign(pen, { strokeStyle: "#1f4e8c", fillStyle: "#1f4e8c", lineWidth: 2 });
  pen.beginPath();
  pen.arc(cursor.x, cursor.y, 6, 0, 2 * Math.PI);
  if (cursor.down) pen.fill();
  pen.stroke();
}

// --- cards -----------------------------------------------------------------------------------------------------------

// The next empty card, or the question once all are drawn.
function onward() {
  const order = [...Array(CARDS).keys()].map((step) => (current + 1 + step) % CARDS);
  select(current < 0 ? -1 : (order.find((place) => cards[place].drawing.empty) ?? -1));
}

let asking = false;
let askAgain = false;
let noted = ""; // what was said of a drawing

// Ask for the probabilities of all cards, or while there is no question for what is doubtful in them; one request at a
// time, and one more if something changed meanwhile.
async function rank() {
  askAgain = true;
  if (asking) return;
  asking = true;
  while (askAgain) {
    askAgain = false;
    try {
      const there = filled();
      if (!there.length) {
        arrange(new Map());
        continue;
      }
      const query = question.empty ? null : question.png;
      const answer = await ask("rank", { query, cards: there.map((card) => card.drawing.png) });
      arrange(new Map(there.map((card, place) => [card, answer.p[place] ?? undefined])));
      const notes = current < 0 ? answer.query : (answer.notes[there.indexOf(cards[current])] ?? []);
      if (pressed === null && (notes.length || $("status").textContent === noted)) {
        noted = notes.length ? `${notes.join("; ").replace(/^the drawing/, "This drawing")}.` : "";
        say(noted);
      }
    } catch (error) {
      arrange(new Map());
      noted = error.message;
      say(noted, true);
    }
  }
  asking = false;
}

const percent = (p) => `${(100 * p).toFixed(p > 0.0995 && p < 0.9995 ? 0 : 1)} %`;

// Bring the cards into the order of their probabilities; those without one stay behind, by number.
function arrange(found) {
  const before = new Map(cards.map((card) => [card, card.item.getBoundingClientRect()]));
  const value = (card) => found.get(card) ?? -1;
  const order = [...cards].sort((a, b) => value(b) - value(a) || a.name - b.name);
  order.forEach((card, place) => {
    card.p = found.get(card);
    card.words.textContent = card.p === undefined ? card.name : `${card.name}: ${percent(card.p)}`;
    card.why.hidden = card.p === undefined;
    card.item.classList.toggle("best", place === 0 && card.p >= 0.5);
    if ($("cards").children[place] !== card.item) $("cards").insertBefore(card.item, $("cards").children[place]);
  });
  show();
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const [card, box] of before) {
    const now = card.item.getBoundingClientRect();
    const way = `translate(${box.left - now.left}px, ${box.top - now.top}px)`;
    if (box.left !== now.left || box.top !== now.top) card.item.animate([{ transform: way }, { transform: "none" }], 200);
  }
}

async function explain(card) {
  const asked = { query: question.png, card: card.drawing.png };
  const title = `Card ${card.words.textContent} that both show the same`;
  const answer = await ask("why", asked);
  if ($("draw").hidden || question.png !== asked.query || card.drawing.png !== asked.card) return;
  $("why-title").textContent = title;
  $("why-query").src = source(answer.query);
  $("why-card").src = source(answer.card);
  $("why").showModal();
}

let laid = 0;

// Put pictures on cards, unless others are asked for meanwhile: on all, or on those that are empty.
async function lay(answer, all) {
  const mine = ++laid;
  const { cards: pngs, left = 0 } = await answer;
  const images = pngs.map((png) => Object.assign(new Image(), { src: source(png) }));
  await Promise.all(images.map((image) => image.decode()));
  if (mine !== laid) return;
  if (all) for (const card of cards) card.drawing.clear();
  cards.filter((card) => card.drawing.empty).forEach(({ drawing }, place) => {
    if (place < images.length) drawing.show(images[place], pngs[place]);
  });
  select(-1);
  changed();
  if (left) say(`There are ${CARDS} cards: ${left} more pictures of the zip were left out.`);
}

function download(png, name) {
  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  const link = element("a", { href: URL.createObjectURL(new Blob([bytes])), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const base64 = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1] ?? "");
    reader.onerror = () => reject(new Error(`${file.name} cannot be read.`));
    reader.readAsDataURL(file);
  });

$("undo").addEventListener("click", () => {
  drawn().change(drawn().strokes.slice(0, -1));
  cursor.down = false;
  pressed = null;
  changed();
});
$("clear").addEventListener("click", () => {
  drawn().clear();
  cursor.down = false;
  pressed = null;
  changed();
});
$("next").addEventListener("click", () => {
  if (current < 0) current = CARDS - 1;
  onward();
});
$("ask").addEventListener("click", () => {
  if (current < 0) question.clear();
  select(-1);
  pad.focus();
  changed();
});
$("fill").addEventListener("click", () =>
  trying(() => lay(ask("invented", { number: Math.floor(10000 * Math.random()) }), false), $("fill")),
);
$("empty").addEventListener("click", () => {
  if (!confirm("Empty all cards?")) return;
  laid += 1;
  question.clear();
  for (const card of cards) card.drawing.clear();
  select(0);
  changed();
});
$("save").addEventListener("click", () =>
  trying(async () => {
    download((await ask("pack", { cards: filled().map((card) => card.drawing.png) })).zip, "alphabet.zip");
    say("Saved as alphabet.zip, where your browser puts downloads.");
  }),
);
$("open").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () =>
  trying(async () => {
    const [file] = $("file").files;
    $("file").value = "";
    if (!file) return;
    if (file.size > LARGEST) throw new Error(`${file.name} is larger than ${LARGEST >> 20} MB: it is no alphabet.`);
    if (filled().length && !confirm("Put this alphabet in place of your cards?")) return;
    await lay(ask("unpack", { zip: await base64(file) }), true);
  }),
);
$("why-close").addEventListener("click", () => $("why").close());

// --- the test --------------------------------------------------------------------------------------------------------

const test = { trials: [], place: -1, answered: true, yours: 0, its: 0, done: 0, busy: false, figure: null };

async function begin() {
  const answer = await ask("trials", {});
  Object.assign(test, { trials: answer.trials, test: answer.test, people: answer.people });
  Object.assign(test, { place: -1, yours: 0, its: 0, done: 0 });
  for (const list of ["your-errors", "its-errors"]) $(list).replaceChildren();
  $("test-errors").hidden = true;
  $("test-score").textContent = "";
  following();
}

function following() {
  test.place += 1;
  if (test.place === test.trials.length) {
    ending();
    return;
  }
  const trial = test.trials[test.place];
  test.answered = false;
  $("test-title").textContent = `Question ${test.place + 1} of ${test.trials.length}`;
  $("test-words").textContent = `From ${test.test}: which card shows the same character?`;
  $("test-query").src = source(trial.query);
  $("test-query").hidden = false;
  $("test-go").style.visibility = "hidden"; // and keeps its place, for who presses twice
  $("test-end").hidden = true;
  ask("figure", { number: trial.number }).then(
    (figure) => Object.assign(test, { figure }),
    () => {}, // the network then answers when it is asked
  );
  $("test-cards").replaceChildren(
    ...trial.cards.map((png, place) => {
      const button = element("button", { type: "button", className: "card" }, picture(png, ""), LETTERS[place]);
      button.setAttribute("aria-label", `Card ${LETTERS[place]}`);
      button.addEventListener("click", () => trying(() => choose(place)));
      return element("li", {}, button);
    }),
  );
}

async function choose(place) {
  if (test.answered || test.busy) return;
  test.busy = true;
  try {
    const trial = test.trials[test.place];
    const { right, network } = await ask("choose", { number: trial.number, place });
    if (!(right in trial.cards && network in trial.cards)) throw new Error("The program behind this page gave a wrong answer.");
    test.answered = true;
    test.done += 1;
    const items = $("test-cards").children;
    for (const item of items) item.firstChild.disabled = true;
    for (const [who, answer] of [["yours", place], ["its", network]]) {
      if (answer === right) test[who] += 1;
      else remember(who === "yours" ? "your-errors" : "its-errors", trial, answer, right);
      if (answer !== right) items[answer].classList.add("wrong");
    }
    items[right].classList.add("right");
    const you = place === right ? "You are right" : `It is ${LETTERS[right]}, not ${LETTERS[place]}`;
    const it = network === right ? "the network is right" : `the network says ${LETTERS[network]}, which is wrong`;
    $("test-words").textContent = `${you}; ${it}.`;
    $("test-score").textContent = `You ${test.yours} of ${test.done}, the network ${test.its} of ${test.done}.`;
    $("test-go").textContent = test.place + 1 < test.trials.length ? "Next question" : "See how it went";
    $("test-go").style.visibility = "";
    $("test-end").hidden = test.place + 1 === test.trials.length;
    $("test-go").focus();
    items[right].scrollIntoView({ block: "nearest" });
  } finally {
    test.busy = false;
  }
}

function remember(list, trial, chosen, right) {
  const shown = [[trial.query, "drawing"], [trial.cards[chosen], "chosen"], [trial.cards[right], "right"]];
  const figures = shown.map(([png, words]) => element("figure", {}, picture(png, words), element("figcaption", { textContent: words })));
  $(list).append(element("li", {}, element("div", { className: "three" }, ...figures)));
}

function ending() {
  $("test-title").textContent = "How it went";
  $("test-query").hidden = true;
  $("test-cards").replaceChildren();
  $("test-words").textContent = "The same test for both of you.";
  for (const list of ["your-errors", "its-errors"]) {
    if (!$(list).children.length) $(list).append(element("li", { textContent: "none" }));
  }
  $("test-errors").hidden = false;
  $("test-go").textContent = "Twenty others";
  $("test-end").hidden = true;
  test.place = -1;
  const share = (part) => `${(100 * part).toFixed(1)} %`;
  const people = test.people ? ` People are right in ${share(test.people)} of ${test.test}.` : "";
  const { accuracy, trials } = test.figure ?? {};
  const all = trials ? ` The network is right in ${share(accuracy)} of ${trials} questions of ${test.test}.` : "";
  $("test-score").textContent = `You ${test.yours} of ${test.done}, the network ${test.its} of ${test.done}.${people}${all}`;
}

$("test-go").addEventListener("click", async () => {
  if (test.place >= 0) {
    following();
    return;
  }
  const words = $("test-words").textContent;
  $("test-words").textContent = "One moment ...";
  await trying(begin, $("test-go"));
  if (test.place < 0) $("test-words").textContent = words;
});
$("test-end").addEventListener("click", ending);
document.addEventListener("keydown", (event) => {
  const place = LETTERS.indexOf(event.key.toLowerCase());
  if ($("test").hidden || event.ctrlKey || event.altKey || event.metaKey || place < 0) return;
  if (!test.answered) trying(() => choose(place));
});

// --- inside ----------------------------------------------------------------------------------------------------------

function captioned(png, words) {
  return element("figure", {}, picture(png, words), element("figcaption", { textContent: words }));
}

let looks = 0;
const usual = $("inside-words").textContent;

async function look() {
  const mine = ++looks;
  const there = filled();
  $("inside-words").textContent = usual;
  $("inside-pictures").replaceChildren();
  $("inside-choice").hidden = question.empty || !there.length;
  if ($("inside-choice").hidden) return;
  const best = there.reduce((a, b) => ((b.p ?? -1) > (a.p ?? -1) ? b : a));
  const chosen = $("inside-card").value || String(best.name);
  $("inside-card").replaceChildren(
    ...there.map((card) => element("option", { value: card.name, textContent: `card ${card.name}`, selected: String(card.name) === chosen })),
  );
  const card = there.find((each) => String(each.name) === $("inside-card").value);
  const answer = await ask("inside", { query: question.png, card: card.drawing.png });
  if (mine !== looks) return;
  $("inside-words").textContent =
    `The network turns each of your drawings into ${answer.features} numbers, its embedding. It compares the two embeddings ` +
    `number by number: here the probability that both drawings show the same is ${percent(answer.p)}.`;
  const names = ["first", "second"];
  $("inside-pictures").replaceChildren(
    captioned(answer.view, "What the network sees of your drawing: its ink, centred and brought to one size."),
    ...answer.maps.map(({ picture: png, shape }, place) =>
      captioned(png, `The ${names[place]} block's ${shape[2]} feature maps of ${shape[0]} x ${shape[1]}: each answers to some kind of stroke.`),
    ),
    captioned(answer.embeddings[0], "The embedding of your drawing, one square for each number."),
    captioned(answer.embeddings[1], `The embedding of card ${card.name}.`),
    captioned(answer.distance, `What each number says: violet speaks against both being the same, orange for it. Were none different, the probability would be ${percent(answer.alike)}.`),
  );
}
$("inside-card").addEventListener("change", () => trying(look));

// --- the parts of the page -------------------------------------------------------------------------------------------

const parts = document.querySelectorAll("nav button");
for (const button of parts) {
  button.addEventListener("click", () => {
    for (const each of parts) {
      each.setAttribute("aria-pressed", each === button);
      $(each.dataset.part).hidden = each !== button;
    }
    say("");
    if (button.dataset.part === "inside") {
      $("inside-card").replaceChildren();
      trying(look);
    }
  });
}

$("cards").append(...cards.map((card) => card.item));
select(0);
