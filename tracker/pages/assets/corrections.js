"use strict";
(() => {
  const { series, corrections: given, events: shown } = Page.data;
  const { words, kinds } = given;
  const one = (id) => document.getElementById(`correct-${id}`);
  const panel = document.getElementById("correct"), holder = one("timeline");
  const time = series.time.map((ms) => ms / 1000);
  const last = given.end_s, frame = given.frame_s ?? 1 / 30;
  const round = (at) => Math.round(at * 1e4) / 1e4;
  const clamp = (at, low, high) => Math.min(Math.max(at, low), high);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  const seconds = (at) => at.toFixed(2);
  const copy = (value) => JSON.parse(JSON.stringify(value));

  // What the person says: the events, the stretches that are not usable, where the eyes look ahead.
  let said = copy({ events: given.events, unusable: given.unusable, primary: given.primary });
  const start = JSON.stringify(said);
  let past = [], future = [], saved = start;
  let chosen = null; // { list: "events" | "unusable" | "primary", index }
  let cursor = 0, selection = null, view = [0, Math.max(last, frame)];

  const isWink = (kind) => kind.startsWith("wink");
  const together = (a, b) => (isWink(a) || isWink(b) ? a === b : true);
  const item = () => {
    if (!chosen) return null;
    return chosen.list === "primary" ? said.primary : said[chosen.list][chosen.index] ?? null;
  };
  const name = (list, what) => (list === "events" ? kinds[what.kind] : words[list]);
  function say(text) { one("said").textContent = text; }
  function done(what, { start: from, stop }) {
    say(fill(words.done, { what, start: seconds(from), end: seconds(stop) }));
  }

  // Every change makes a new state, so that it can be undone.
  function change(next, pick) {
    past.push(said);
    future = [];
    next.events.sort((a, b) => a.start - b.start || a.stop - b.stop);
    next.unusable.sort((a, b) => a.start - b.start);
    said = next;
    chosen = null;
    if (pick) choose(pick.list, pick.list === "primary" ? 0 : said[pick.list].indexOf(pick.what), false);
    draw();
  }
  function step(from, to, text) {
    if (!from.length) return;
    to.push(said);
    said = from.pop();
    chosen = null;
    say(text);
    draw();
  }

  // The room around a stretch, between the events that it may not overlap; null if it overlaps one.
  function room(kind, [from, stop]) {
    let low = 0, high = last;
    for (const other of said.events) {
      if (!together(other.kind, kind)) continue;
      if (other.stop <= from) low = Math.max(low, other.stop);
      else if (other.start > stop || (from < stop && other.start === stop)) high = Math.min(high, other.start);
      else return null;
    }
    return [low, high];
  }
  const least = () => frame - 1e-3;

  // From where to where the chosen item may lie.
  function bounds(now) {
    if (chosen.list !== "events") return [0, last];
    const others = said.events.filter((other) => other !== now && together(other.kind, now.kind));
    return [
      Math.max(0, ...others.filter((other) => other.start < now.start).map((other) => other.stop)),
      Math.min(last, ...others.filter((other) => other.start > now.start).map((other) => other.start)),
    ];
  }

  // Put the chosen item at new times, as far as its neighbours let it.
  function place(from, stop) {
    const { list } = chosen, before = item(), [low, high] = bounds(before);
    const after = { ...before, start: round(clamp(from, low, high)), stop: round(clamp(stop, low, high)) };
    const isPrimary = list === "primary";
    if (after.stop - after.start < (isPrimary ? given.least_primary_s : least())) {
      say(isPrimary ? words.too_short_primary : words.too_short);
      draw();
    } else if (after.start === before.start && after.stop === before.stop) draw();
    else {
      const next = fresh();
      if (isPrimary) next.primary = after;
      else next[list][chosen.index] = after;
      change(list === "unusable" ? joined(next, after) : next, { list, what: after });
      done(name(list, after), after);
    }
  }
  function move(by) {
    const now = item();
    if (!now) { say(words.choose_first); return; }
    const length = now.stop - now.start, [low, high] = bounds(now);
    const from = clamp(now.start + by, low, Math.max(low, high - length));
    place(from, from + length);
  }

  // Stretches that touch are one stretch.
  function joined(next, added) {
    const touching = next.unusable.filter((other) => other !== added && other.start <= added.stop && added.start <= other.stop);
    for (const other of touching) {
      added.start = Math.min(added.start, other.start);
      added.stop = Math.max(added.stop, other.stop);
    }
    next.unusable = next.unusable.filter((other) => !touching.includes(other));
    return next;
  }

  const fresh = () => ({ ...said, events: [...said.events], unusable: [...said.unusable] });
  const actions = {
    add() {
      const free = room("blink", selection ?? [cursor, cursor]);
      if (!free) { say(words.no_room); return; }
      const [from, stop] = selection ?? [Math.max(cursor - 0.1, free[0]), Math.min(cursor + 0.15, free[1])];
      const event = { kind: "blink", start: round(from), stop: round(stop) };
      if (event.stop - event.start < least()) { say(words.too_short); return; }
      const next = fresh();
      next.events.push(event);
      change(next, { list: "events", what: event });
      done(`${kinds.blink}, ${words.added}`, event);
    },
    remove() {
      const gone = item();
      if (!gone) { say(words.choose_first); return; }
      const list = chosen.list, next = fresh();
      if (list === "primary") next.primary = null;
      else next[list].splice(chosen.index, 1);
      change(next);
      done(`${name(list, gone)}, ${words.removed}`, gone);
    },
    split() {
      const whole = chosen?.list === "events" ? item() : null;
      if (!whole) { say(words.choose_first); return; }
      const inside = whole.start + least() <= cursor && cursor <= whole.stop - least();
      const at = inside ? round(cursor) : widest(whole);
      if (at - whole.start < least() || whole.stop - at < least()) { say(words.too_short); return; }
      const next = fresh(), first = { ...whole, stop: at };
      next.events.splice(chosen.index, 1, first, { ...whole, start: at });
      change(next, { list: "events", what: first });
      done(`${kinds[whole.kind]}, ${words.changed}`, whole);
    },
    merge() {
      const first = chosen?.list === "events" ? item() : null;
      if (!first) { say(words.choose_first); return; }
      const other = said.events.find((event) => event.start > first.start && together(event.kind, first.kind));
      if (!other) { say(words.no_next); return; }
      const next = fresh(), both = { ...first, stop: other.stop };
      next.events = next.events.filter((event) => event !== first && event !== other);
      next.events.push(both);
      change(next, { list: "events", what: both });
      done(`${kinds[both.kind]}, ${words.changed}`, both);
    },
    unusable() {
      // Without a stretch, the time of the chosen event.
      const event = chosen?.list === "events" ? item() : null;
      const [from, stop] = selection ?? (event ? [event.start, event.stop] : []);
      if (stop === undefined) { say(words.stretch_first); return; }
      if (stop - from < least()) { say(words.too_short); return; }
      const next = fresh(), added = { start: round(from), stop: round(stop) };
      next.unusable.push(added);
      change(joined(next, added), { list: "unusable", what: added });
      done(words.unusable, added);
    },
    primary() {
      if (!selection) { say(words.stretch_first); return; }
      if (selection[1] - selection[0] < given.least_primary_s) { say(words.too_short_primary); return; }
      const next = fresh();
      next.primary = { start: round(selection[0]), stop: round(selection[1]) };
      change(next, { list: "primary", what: next.primary });
      done(words.primary, next.primary);
    },
    undo: () => step(past, future, words.undone),
    redo: () => step(future, past, words.redone),
    previous: () => pass(-1), next: () => pass(1),
    in: () => zoom(0.5), out: () => zoom(2),
    earlier: () => look(view[0] - (view[1] - view[0]) / 2), later: () => look(view[0] + (view[1] - view[0]) / 2),
  };

  // Where the eyes are open the most, well inside of an event.
  function widest({ start: from, stop }) {
    let best = (from + stop) / 2, most = -1;
    time.forEach((at, n) => {
      if (at < from + 0.2 * (stop - from) || at > stop - 0.2 * (stop - from)) return;
      const opening = (series.left[n] ?? 0) + (series.right[n] ?? 0);
      if (opening > most) { most = opening; best = at; }
    });
    return round(best);
  }
  function choose(list, index, told = true) {
    chosen = { list, index };
    const what = item();
    if (!what) { chosen = null; return; }
    selection = null;
    cursor = what.start;
    if (what.start < view[0] || what.stop > view[1]) look((what.start + what.stop - (view[1] - view[0])) / 2, false);
    if (told) done(name(list, what), what);
  }
  function pass(by) {
    const events = said.events;
    if (!events.length) return;
    let index = chosen?.list === "events" ? chosen.index + by : -1;
    if (chosen?.list !== "events") {
      index = by > 0 ? events.findIndex((event) => event.start >= cursor) : events.findLastIndex((event) => event.stop <= cursor);
      if (index < 0) index = by > 0 ? events.length - 1 : 0;
    }
    choose("events", clamp(index, 0, events.length - 1));
    draw();
  }
  function look(from, redraw = true) {
    const length = view[1] - view[0];
    from = clamp(from, 0, Math.max(0, last - length));
    view = [from, from + length];
    if (redraw) draw();
  }
  function zoom(factor) {
    const middle = cursor >= view[0] && cursor <= view[1] ? cursor : (view[0] + view[1]) / 2;
    const length = clamp(factor * (view[1] - view[0]), Math.min(0.5, last), last);
    view = [0, length];
    look(middle - length / 2);
  }
  function walk(by, extend) {
    const from = extend ? (selection && (selection[0] === cursor ? selection[1] : selection[0])) ?? cursor : null;
    cursor = clamp(cursor + by, 0, last);
    selection = extend && from !== cursor ? [Math.min(from, cursor), Math.max(from, cursor)] : null;
    if (extend) chosen = null;
    if (cursor < view[0] || cursor > view[1]) look(cursor - (view[1] - view[0]) / 2, false);
    draw();
  }

  // Drawing
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("aria-hidden", "true");
  holder.append(svg);
  const TOP = 4, LANE = 16, AXIS = 20;
  let width = 600, height = 210;
  const x = (at) => ((at - view[0]) / (view[1] - view[0] || 1)) * width;
  const at = (px) => clamp(view[0] + (px / width) * (view[1] - view[0]), 0, last);
  function put(tag, attributes, text) {
    const made = document.createElementNS(NS, tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    svg.append(made);
    return made;
  }
  const floor = () => height - AXIS - LANE - 6;
  function box(what, className, top, bottom, data = {}) {
    if (what.stop < view[0] || what.start > view[1]) return;
    put("rect", { class: className, x: x(what.start), y: top, width: Math.max(2, x(what.stop) - x(what.start)), height: bottom - top, ...data });
  }
  const peak = [...series.left, ...series.right, ...(series.excluded_left ?? []), ...(series.excluded_right ?? [])]
    .reduce((most, value) => Math.max(most, value ?? 0), 1);
  function line(values, className) {
    let path = "", pen = false, column = -1, low = 0, high = 0;
    const y = (value) => floor() - 2 - (value / peak) * (floor() - TOP - 14);
    const flush = () => { if (column >= 0 && high !== low) path += `V${y(low).toFixed(1)}V${y(high).toFixed(1)}`; };
    for (let n = 0; n < time.length; n++) {
      if (time[n] < view[0] - 1 || time[n] > view[1] + 1) continue;
      const value = values[n];
      if (value === null) { flush(); pen = false; column = -1; continue; }
      const px = x(time[n]);
      if (Math.floor(px) === column) { low = Math.min(low, value); high = Math.max(high, value); continue; }
      flush();
      path += `${pen ? "L" : "M"}${px.toFixed(1)} ${y(value).toFixed(1)}`;
      pen = true; column = Math.floor(px); low = high = value;
    }
    flush();
    put("path", { class: `trace ${className}`, d: path });
  }
  function draw() {
    width = holder.clientWidth || width;
    height = svg.clientHeight || height;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    [holder.dataset.start, holder.dataset.stop] = view;
    const span = view[1] - view[0];
    const tick = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800].find((each) => (each / (span || 1)) * width > 55) ?? 3600;
    for (let mark = Math.ceil(view[0] / tick) * tick; mark <= view[1] + 1e-9; mark += tick) {
      put("line", { class: "axis", x1: x(mark), x2: x(mark), y1: TOP, y2: height - AXIS });
      put("text", { x: clamp(x(mark), 12, width - 16), y: height - 5, "text-anchor": "middle" }, `${Number(mark.toFixed(1))} s`);
    }
    said.unusable.forEach((what, n) => box(what, "unusable", TOP, floor(), { "data-list": "unusable", "data-index": n }));
    if (said.primary) box(said.primary, "primary", TOP, floor(), { "data-list": "primary", "data-index": 0 });
    said.events.forEach((what, n) => box(what, `event ${what.kind}`, TOP + 14, floor(), { "data-list": "events", "data-index": n }));
    line(series.left, "left");
    line(series.right, "right");
    line(series.limit, "limit");
    if (series.excluded_left) for (const name of ["excluded_left", "excluded_right"]) line(series[name], "excluded");
    given.detected.forEach((what) => box(what, "detected", floor() + 4, floor() + 4 + LANE));
    put("text", { class: "lane", x: 4, y: TOP + 11 }, words["lane.said"]);
    put("text", { class: "lane", x: 4, y: floor() + LANE }, words["lane.detected"]);
    const what = item();
    if (what) {
      box(what, `${chosen.list === "events" ? "event" : chosen.list} chosen`, TOP + 14, floor(), { "data-list": chosen.list, "data-index": chosen.index });
      for (const side of ["start", "stop"]) {
        put("rect", { class: "grip", x: x(what[side]) - 3, y: (TOP + floor()) / 2 - 14, width: 6, height: 28, rx: 3, "data-side": side });
      }
    }
    if (selection) box({ start: selection[0], stop: selection[1] }, "selection", TOP, floor());
    put("line", { class: "cursor", x1: x(cursor), x2: x(cursor), y1: TOP, y2: floor() });
    fillFields(what);
    list();
  }
  function fillFields(what) {
    const [from, stop] = what ? [what.start, what.stop] : selection ?? [cursor, cursor];
    one("start").value = from.toFixed(3);
    one("end").value = stop.toFixed(3);
    const isEvent = chosen?.list === "events";
    one("kind").disabled = !isEvent;
    one("kind").value = isEvent ? what.kind : "";
    for (const [action, able] of Object.entries({
      remove: Boolean(what), split: isEvent, merge: isEvent, unusable: isEvent || Boolean(selection), primary: Boolean(selection),
      undo: past.length > 0, redo: future.length > 0,
    })) {
      document.querySelector(`[data-correct="${action}"]`).setAttribute("aria-disabled", String(!able));
    }
    pictures(isEvent ? what : null);
  }
  // The pictures of the event on this page that the chosen one shares most time with.
  let pictured = -1;
  function pictures(what) {
    let best = -1, most = 0;
    shown.forEach((event, n) => {
      const common = what ? Math.min(event.stop, what.stop) - Math.max(event.start, what.start) : 0;
      if (common > most) { most = common; best = n; }
    });
    if (best === pictured) return;
    pictured = best;
    const strip = document.querySelector(`figure[data-event="${best}"] .strip`);
    one("pictures").replaceChildren(...(strip ? [strip.cloneNode(true)] : []));
    one("pictures").hidden = !strip;
  }

  // What differs from the detected events. Events that overlap are one correction, as in the summary.
  function changes() {
    const near = (a, b) => Math.abs(a - b) <= given.same_s;
    const left = [...given.detected], found = [];
    for (const event of said.events) {
      const same = left.findIndex((other) => other.kind === event.kind && near(other.start, event.start) && near(other.stop, event.stop));
      if (same >= 0) left.splice(same, 1);
      else found.push({ event, added: true });
    }
    found.push(...left.map((event) => ({ event, added: false })));
    found.sort((a, b) => a.event.start - b.event.start || a.event.stop - b.event.stop);
    const grouped = [];
    let end = -1;
    for (const { event, added } of found) {
      if (!grouped.length || event.start > end - given.same_s) {
        grouped.push({ before: [], after: [] });
        end = event.stop;
      }
      grouped[grouped.length - 1][added ? "after" : "before"].push(event);
      end = Math.max(end, event.stop);
    }
    return grouped;
  }
  const tell = (events) => events
    .map((event) => fill(words.event, { kind: kinds[event.kind], start: seconds(event.start), end: seconds(event.stop) }))
    .join("; ");
  function list() {
    const between = ({ start: from, stop }) => fill(words.between, { start: seconds(from), end: seconds(stop) });
    const lines = changes().map(({ before, after }) => {
      if (!after.length) return `${tell(before)}: ${words.removed}`;
      if (!before.length) return `${tell(after)}: ${words.added}`;
      return `${tell(before)} → ${tell(after)}`;
    });
    lines.push(...said.unusable.map((what) => `${between(what)}: ${words.unusable}`));
    if (said.primary) lines.push(`${between(said.primary)}: ${words.primary}`);
    one("list").replaceChildren(...lines.map((text) => {
      const row = document.createElement("li");
      row.textContent = text;
      return row;
    }));
    one("none").hidden = lines.length > 0;
    if (JSON.stringify(said) !== saved) one("saved").textContent = words.unsaved;
    else if (saved === start) one("saved").textContent = "";
  }

  // The mouse, a finger, or a pen
  let drag = null;
  const pointed = (event) => event.clientX - svg.getBoundingClientRect().left;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const px = pointed(event), where = at(px), what = item();
    const reach = event.pointerType === "mouse" ? 6 : 16;
    let side = null;
    if (what) {
      const [toStart, toStop] = [Math.abs(px - x(what.start)), Math.abs(px - x(what.stop))];
      // The middle third of a narrow event moves it.
      const inside = what.start <= where && where <= what.stop;
      const near = inside ? Math.min(reach, (toStart + toStop) / 3) : reach;
      if (Math.min(toStart, toStop) <= near) side = toStart < toStop ? "start" : "stop";
    }
    const { list: hit, index } = event.target.dataset;
    if (!side && hit && !(chosen?.list === hit && chosen.index === Number(index))) choose(hit, Number(index));
    else if (!side && !hit) { chosen = null; selection = null; }
    cursor = round(where);
    drag = { from: where, px, side, now: item() && { ...item() }, moved: false };
    svg.setPointerCapture(event.pointerId);
    draw();
  });
  svg.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (!drag.moved && Math.abs(pointed(event) - drag.px) < 3) return;
    drag.moved = true;
    const where = at(pointed(event)), by = where - drag.from;
    cursor = round(where);
    if (!drag.now) selection = [Math.min(drag.from, where), Math.max(drag.from, where)].map(round);
    else {
      // Shown as a selection; it takes effect when the pointer is let go.
      const { start: from, stop } = drag.now;
      const to = drag.side === "start" ? [where, stop] : drag.side === "stop" ? [from, where] : [from + by, stop + by];
      selection = [Math.min(...to), Math.max(...to)];
    }
    draw();
  });
  svg.addEventListener("pointerup", (event) => {
    const { now, side, moved, from } = drag ?? {};
    const by = at(pointed(event)) - from;
    drag = null;
    if (!moved || !now) return;
    selection = null;
    if (side) place(side === "start" ? at(pointed(event)) : now.start, side === "stop" ? at(pointed(event)) : now.stop);
    else move(by);
  });
  svg.addEventListener("pointercancel", () => { drag = null; selection = null; draw(); });

  // The keyboard
  const keys = { a: "add", s: "split", m: "merge", u: "unusable", g: "primary", n: "next", p: "previous", delete: "remove", backspace: "remove", "+": "in", "=": "in", "-": "out" };
  panel.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase(), command = event.ctrlKey || event.metaKey;
    const typing = event.target.matches("#correct-by, #correct-why, input[type=number]");
    if (command && (key === "z" || key === "y") && !typing) {
      actions[key === "y" || event.shiftKey ? "redo" : "undo"]();
      event.preventDefault();
    }
  });
  holder.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    const key = event.key.toLowerCase();
    if (key === "arrowleft" || key === "arrowright") {
      const by = key === "arrowleft" ? -frame : frame;
      if (event.altKey) move(by);
      else walk(by, event.shiftKey);
    } else if (key === "pageup" || key === "pagedown") walk(key === "pageup" ? -1 : 1, event.shiftKey);
    else if (key === "home" || key === "end") walk(key === "home" ? -last : last, event.shiftKey);
    else if (key === "escape") { chosen = null; selection = null; draw(); }
    else if (keys[key] && !event.altKey) actions[keys[key]]();
    else return;
    event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-correct]")) {
    button.addEventListener("click", () => {
      if (time.length > 1) actions[button.dataset.correct]();
    });
  }
  for (const id of ["start", "end"]) {
    one(id).addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
      event.preventDefault();
      one(id).value = (Number(one(id).value) + (event.key === "ArrowUp" ? frame : -frame)).toFixed(3);
      take(event);
    });
    one(id).addEventListener("change", take);
  }
  function take(event) {
    let from = Number(one("start").value), stop = Number(one("end").value);
    const what = item();
    // Without an item, the field that was changed takes the other one along.
    if (!what && stop < from) {
      if (event.currentTarget.id === "correct-start") stop = from;
      else from = stop;
    }
    if (stop < from) { say(words.too_short); draw(); return; }
    // A field shows fewer digits than the event has.
    if (what) place(Math.abs(from - what.start) < 6e-4 ? what.start : from, Math.abs(stop - what.stop) < 6e-4 ? what.stop : stop);
    else {
      selection = stop > from ? [clamp(from, 0, last), clamp(stop, 0, last)] : null;
      cursor = clamp(from, 0, last);
      draw();
    }
  }
  for (const [kind, text] of Object.entries(kinds)) one("kind").append(new Option(text, kind));
  one("kind").addEventListener("change", () => {
    const before = item(), kind = one("kind").value;
    const clash = said.events.some((other) => other !== before && together(other.kind, kind) && other.start < before.stop && before.start < other.stop);
    if (clash) { say(words.no_room); draw(); return; }
    const next = fresh(), after = { ...before, kind };
    next.events[chosen.index] = after;
    change(next, { list: "events", what: after });
    done(`${kinds[kind]}, ${words.changed}`, after);
  });

  // Saving
  const file = (decodeURIComponent(location.pathname).split("/").pop() ?? "");
  const stem = file.endsWith(`.${given.endings.report}`) ? file.slice(0, -given.endings.report.length - 1) : given.stem;
  const target = `${stem}.${given.endings.own}`;
  const quote = (path) => (/^[\p{L}\p{N}._-]+$/u.test(path) && !path.startsWith("-") ? path : `"${path}"`);
  one("command").textContent = `eye-tracker reanalyze ${quote(`${stem}.${given.endings.track}`)} --corrections ${quote(target)}`;
  one("by").maxLength = given.most.by;
  one("why").maxLength = given.most.why;
  one("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const clean = (text) => text.normalize("NFC").replace(/[\s\p{Z}]+/gu, " ").replace(/\p{C}/gu, "").trim();
    const by = clean(one("by").value), fits = /^\p{L}[\p{L}\p{N}_ .-]*$/u.test(by);
    one("by").setAttribute("aria-invalid", String(!fits));
    if (!fits) {
      one("saved").textContent = words.no_initials;
      one("by").focus();
      return;
    }
    const stretch = ({ start: from, stop }) => ({ start_s: from, end_s: stop });
    const document_ = {
      corrections: given.format, recording: given.recording, video_sha256: given.video_sha256, track_sha256: given.track_sha256,
      by, at: `${new Date().toISOString().slice(0, 19)}Z`, why: clean(one("why").value),
      events: said.events.map(({ kind, start: from, stop }) => ({ kind, onset_s: from, offset_s: stop })),
      unusable: said.unusable.map(stretch),
      primary: said.primary && stretch(said.primary),
    };
    const url = URL.createObjectURL(new Blob([`${JSON.stringify(document_, null, 1)}\n`], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = target;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
    saved = JSON.stringify(said);
    one("saved").textContent = fill(words.saved, { file: target });
  });
  addEventListener("beforeunload", (event) => {
    if (JSON.stringify(said) !== saved) event.preventDefault();
  });

  // An event that is chosen in the table of events is chosen here, too.
  for (const row of document.querySelectorAll("#event-table tbody tr")) {
    row.addEventListener("click", () => {
      const event = shown[Number(row.dataset.event)];
      const index = said.events.findIndex((other) => other.kind === event.kind && other.start < event.stop && event.start < other.stop);
      if (index >= 0) { choose("events", index); if (panel.open) draw(); }
    });
  }
  let opened = false;
  panel.addEventListener("toggle", () => {
    if (!panel.open) return;
    // At first, a blink is wide enough to be hit by a finger.
    if (!opened) zoom(clamp(holder.clientWidth / 60, 5, 15) / (view[1] - view[0] || 1));
    opened = true;
    draw();
  });
  for (const link of document.querySelectorAll('a[href="#corrections"]')) {
    link.addEventListener("click", () => { panel.open = true; });
  }
  addEventListener("resize", () => { if (panel.open) draw(); });
})();
