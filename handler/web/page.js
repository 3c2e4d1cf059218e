/* The screens and texts of the page: what every other part of it writes with. */
import { recollect, remember } from "./storage.js";
import { PAUSE_S, TASKS } from "./task.js";
import { TEXTS } from "./texts.js";

export const $ = (id) => document.getElementById(id);
export let language = recollect("language")
  ?? (navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en");
export let shown = "";
let leave = () => {};

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);
const partSeconds = ([, prompts]) => sum(prompts.map(([, seconds]) => seconds));

export const say = (name, values = {}) => fill(TEXTS[language][name], values);
export const announce = (text) => { $("status").textContent = text; };
export const taskSeconds = (parts) =>
  sum(parts.map(partSeconds)) + PAUSE_S * (parts.length - 1);
export const minutes = (parts) => Math.round(taskSeconds(parts) / 60);
export const megabytes = (bytes) => (bytes / 1e6)
  .toLocaleString(language, { maximumFractionDigits: 1 });
export function dayAndTime(ms) {
  const at = new Date(ms);
  const day = at.toLocaleDateString(language, { weekday: "long" });
  return `${day} ${at.toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" })}`;
}

// Texts that the program shows. They are written again if the language changes.
const written = new Map();

/** Write a text into an element; an empty name clears it. A value may be a function. */
export function write(id, name, values = {}) {
  written.set(id, [name, values]);
  const now = Object.fromEntries(Object.entries(values)
    .map(([key, value]) => [key, typeof value === "function" ? value() : value]));
  $(id).textContent = name ? say(name, now) : "";
}

/** Return the name of the text that an element shows. */
export const writtenIn = (id) => written.get(id)?.[0] ?? "";

export function translate(to) {
  language = to;
  document.documentElement.lang = language;
  document.title = say("title");
  $("manifest").href = `manifest.${language}.webmanifest`;
  for (const one of document.querySelectorAll("[data-text]")) {
    one.textContent = say(one.dataset.text, { minutes: minutes(TASKS.extended) });
  }
  for (const [id, [name, values]] of written) write(id, name, values);
  for (const [id, code] of [["english", "en"], ["korean", "ko"]]) {
    $(id).setAttribute("aria-pressed", String(language === code));
  }
}

/** Show a screen. `onLeave` is called when another one is shown. */
export function show(name, onLeave = () => {}) {
  leave();
  leave = onLeave;
  shown = name;
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== name;
  }
  document.querySelector(`#${name} h2`).focus();
  window.scrollTo(0, 0);
}

/** Choose the language, until the tab is closed. */
export function chooseLanguage(to) {
  remember("language", to);
  translate(to);
}

/** Keep the screen on, where the browser can. Return what lets it go off again. */
export function stayAwake() {
  const lock = navigator.wakeLock?.request("screen").catch(() => undefined);
  return () => lock?.then((one) => one?.release());
}

/** What went wrong, as the name of a text. `code` is the service's, which its operators know. */
export class Failure extends Error {
  constructor(text, code = "") {
    super(text);
    this.text = text;
    this.code = code;
  }
}

/** Say what went wrong. Without `retry`, the only way is back to the start. */
export function fail(error, retry, label = "retry") {
  const known = error instanceof Failure ? error : new Failure("failedRefused", error.name);
  write("failed-text", known.text);
  const reason = `reason_${known.code}`;
  write("failed-detail", reason in TEXTS.en ? reason : "");
  write("failed-code", known.code ? "failedCode" : "", { code: known.code });
  $("retry").hidden = !retry;
  $("retry").onclick = retry;
  write("retry", label);
  show("failed");
  announce(`${say("failedTitle")} ${say(known.text)} ${$("failed-detail").textContent}`);
}
