"use strict";
(() => {
  const { series, events, phases, levels, distributions, words } = Page.data;
  const { blue, vermillion, green, orange, ink, quiet } = Page.colors;
  const scale = { time: 1000, yaw: 10, pitch: 10, roll: 10, counted: 1, in_task: 1, seen: 1 };
  const values = {};
  for (const [name, whole] of Object.entries(series)) {
    const by = scale[name] ?? 10000;
    values[name] = by === 1 ? whole : whole.map((one) => (one === null ? null : one / by));
  }
  const time = values.time;
  const counted = (name, counts = "counted") => values[name].map((one, n) => (values[counts][n] ? one : null));
  const whole = [time[0] ?? 0, Math.max(time[time.length - 1] ?? 0, (time[0] ?? 0) + 0.1)];
  const plot = document.getElementById("plot-traces");

  const traces = [
    { axis: "y", name: words["legend.left"], y: values.left, line: { color: blue, width: 1.6 } },
    { axis: "y", name: words["legend.right"], y: values.right, line: { color: vermillion, width: 1.6, dash: "5px,2px" } },
    ...["excluded_left", "excluded_right"].filter((name) => values[name]).map((name) => (
      { axis: "y", name: words["legend.excluded"], y: values[name], line: { color: "#8a94a0", width: 0.8 }, hoverinfo: "skip" }
    )),
    { axis: "y", name: words["legend.limit"], y: values.limit, line: { color: "#000", width: 1.3, dash: "2px,3px" } },
    { axis: "y2", name: words["legend.uncounted"], y: values.vertical, line: { color: "#8a94a0", width: 0.8 }, hoverinfo: "skip" },
    { axis: "y2", name: words.vertical_axis, y: counted("vertical", "in_task"), line: { color: blue, width: 1.8 } },
    { axis: "y3", name: words["legend.uncounted"], y: values.horizontal, line: { color: "#8a94a0", width: 0.8 }, hoverinfo: "skip" },
    { axis: "y3", name: words.horizontal_axis, y: counted("horizontal"), line: { color: blue, width: 1.8 } },
    { axis: "y4", name: words.coverage, y: values.seen, line: { color: ink, width: 1.4, shape: "hv" }, fill: "tozeroy", fillcolor: "rgba(0,0,0,.12)", text: true },
    { axis: "y5", name: words["legend.yaw"], y: values.yaw, line: { color: "#000", width: 1.4 } },
    { axis: "y5", name: words["legend.pitch"], y: values.pitch, line: { color: green, width: 1.6, dash: "6px,3px" } },
    { axis: "y5", name: words["legend.roll"], y: values.roll, line: { color: "#a0568a", width: 1.6, dash: "2px,2px" } },
  ];

  // Draw the least and the largest value of each stretch of time, so that no blink is missed.
  function thin(y, first, last, bins) {
    const xs = [], ys = [];
    if (last - first <= 4 * bins) return { x: time.slice(first, last), y: y.slice(first, last) };
    for (let bin = 0; bin < bins; bin++) {
      const start = first + Math.floor(((last - first) * bin) / bins);
      const stop = first + Math.floor(((last - first) * (bin + 1)) / bins);
      let low = -1, high = -1, gap = false;
      for (let n = start; n < stop; n++) {
        if (y[n] === null) { gap = true; continue; }
        if (low < 0 || y[n] < y[low]) low = n;
        if (high < 0 || y[n] > y[high]) high = n;
      }
      if (low < 0) { xs.push(time[start]); ys.push(null); continue; }
      for (const n of low === high ? [low] : [Math.min(low, high), Math.max(low, high)]) {
        xs.push(time[n]); ys.push(y[n]);
      }
      if (gap && y[stop - 1] === null) { xs.push(time[stop - 1]); ys.push(null); }
    }
    return { x: xs, y: ys };
  }
  const place = (at) => {
    let low = 0, high = time.length;
    while (low < high) { const mid = (low + high) >> 1; if (time[mid] < at) low = mid + 1; else high = mid; }
    return low;
  };
  function windowed(range) {
    const first = Math.max(0, place(range[0]) - 1), last = Math.min(time.length, place(range[1]) + 2);
    return traces.map((one) => thin(one.y, first, last, 900));
  }

  const domains = { y: [0.76, 0.975], y2: [0.5, 0.705], y3: [0.305, 0.45], y4: [0.215, 0.25], y5: [0, 0.155] };
  const titles = { y: words.ear, y2: words.vertical_axis, y3: words.horizontal_axis, y4: words.coverage_axis, y5: words.pose_axis };

  // Leave out the gaze during blinks, because its outliers would flatten the rest.
  function limits(y, least) {
    const known = y.filter((one) => one !== null).sort((a, b) => a - b);
    if (!known.length) return [-least, least];
    const low = known[Math.floor(0.002 * known.length)], high = known[Math.ceil(0.998 * known.length) - 1];
    const room = Math.max(0.12 * (high - low), least / 4);
    return [Math.min(low, high - least) - room, Math.max(high, low + least) + room];
  }
  const looks = {
    blink: { fillcolor: "rgba(86,180,233,.38)", line: { width: 0 } },
    flutter: { fillcolor: "rgba(0,158,115,.3)", line: { width: 1, color: "#000", dash: "dash" } },
    prolonged_closure: { fillcolor: "rgba(230,159,0,.3)", line: { width: 1, color: "#000" } },
    wink_left: { fillcolor: "rgba(204,121,167,.3)", line: { width: 1, color: "#000", dash: "dot" } },
    wink_right: { fillcolor: "rgba(204,121,167,.3)", line: { width: 1, color: "#000", dash: "dot" } },
  };
  let chosen = -1;
  function shapes() {
    const drawn = events.map((event) => ({
      type: "rect", xref: "x", yref: "paper", x0: event.start, x1: event.stop, y0: 0, y1: 0.975, layer: "below", ...looks[event.kind],
    }));
    let lost = -1;
    values.seen.forEach((seen, n) => {
      if (!seen && lost < 0) lost = n;
      const ends = lost >= 0 && (seen || n === time.length - 1);
      if (ends) {
        for (const [low, high] of Object.values(domains)) {
          drawn.push({ type: "rect", xref: "x", yref: "paper", x0: time[lost], x1: time[n], y0: low, y1: high, layer: "below", fillcolor: "rgba(90,90,90,.28)", line: { width: 1, color: "#555", dash: "dash" } });
        }
        lost = -1;
      }
    });
    for (const phase of phases) {
      for (const axis of ["y2", "y3"]) {
        drawn.push({
          type: "rect", xref: "x", yref: "paper", x0: phase.start, x1: Math.min(phase.stop, whole[1]), y0: domains[axis][0], y1: domains[axis][1],
          layer: "below", line: { width: 1, color: quiet, dash: "dot" }, fillcolor: "rgba(0,0,0,0)",
          label: { text: phase.name, textposition: "top left", font: { size: 12, color: ink } },
        });
      }
    }
    for (const [name, dash] of [["up", "dash"], ["ahead", "dot"], ["down", "dash"]]) {
      if (levels[name] === undefined) continue;
      drawn.push({ type: "line", xref: "paper", yref: "y2", x0: 0, x1: 1, y0: levels[name], y1: levels[name], line: { width: 1.2, color: "#000", dash } });
    }
    if (chosen >= 0) {
      const event = events[chosen];
      drawn.push({ type: "rect", xref: "x", yref: "paper", x0: event.start, x1: event.stop, y0: 0, y1: 0.975, line: { width: 2.5, color: "#000" }, fillcolor: "rgba(0,0,0,0)" });
    }
    return drawn;
  }
  const annotations = [];
  for (const [axis, [, top]] of Object.entries(domains)) {
    annotations.push({ xref: "paper", yref: "paper", x: 0, y: top, xanchor: "left", yanchor: "bottom", showarrow: false, text: `<b>${titles[axis]}</b>`, font: { size: 13 } });
  }
  // Put the middle one beside the others: in a small range, it would hide them.
  for (const [name, text, x] of [["up", words.p5, 1], ["ahead", words.primary, 0.8], ["down", words.p95, 1]]) {
    if (levels[name] === undefined) continue;
    annotations.push({ xref: "paper", yref: "y2", x, y: levels[name], xanchor: "right", yanchor: name === "down" ? "top" : "bottom", showarrow: false, text, font: { size: 11 }, bgcolor: "rgba(255,255,255,.75)", borderpad: 1 });
  }
  const across = (axis, extra) => ({ domain: domains[axis], fixedrange: true, zeroline: false, nticks: 5, ...extra });
  const gaze = [...counted("vertical"), ...Object.values(levels)];
  const flipped = ([low, high]) => [high, low];
  const coarse = matchMedia("(pointer: coarse)").matches;
  const started = windowed(whole);
  if (time.length > 1) {
    Page.plot(plot, traces.map((one, n) => ({
      type: "scatter", mode: "lines", xaxis: "x", yaxis: one.axis, name: one.name, line: { simplify: false, ...one.line },
      x: started[n].x, y: started[n].y, fill: one.fill, fillcolor: one.fillcolor, hoverinfo: one.hoverinfo,
      hovertemplate: one.hoverinfo ? undefined : one.axis === "y4" ? "%{y:d}" : one.axis === "y5" ? "%{y:.1f}°" : "%{y:.3f}", connectgaps: false,
    })), {
      showlegend: false, hovermode: "x unified", hoversubplots: "axis", dragmode: coarse ? false : "zoom",
      margin: { l: 50, r: 12, t: 8, b: 44 },
      xaxis: { range: whole, title: { text: words.time_axis }, anchor: "y5", hoverformat: ".3f", minallowed: whole[0], maxallowed: whole[1], spikemode: "across", spikethickness: 1, spikecolor: quiet, spikedash: "dot" },
      yaxis: across("y", { range: [0, Math.max(0.3, limits([...values.left, ...values.right], 0.1)[1])] }),
      // Down is positive, so reverse the axis to have up at the top.
      yaxis2: across("y2", { range: flipped(limits(gaze, 0.12)) }),
      yaxis3: across("y3", { range: limits(counted("horizontal"), 0.2) }),
      yaxis4: across("y4", { range: [0, 1.05], tickvals: [0, 1], ticktext: [words.no, words.yes], nticks: undefined }),
      yaxis5: across("y5", { range: limits([...values.yaw, ...values.pitch, ...values.roll], 20) }),
      shapes: shapes(), annotations,
    });
    plot.on("plotly_relayout", (change) => {
      if (Object.keys(change).some((name) => name.startsWith("xaxis"))) redraw();
    });
  } else {
    plot.hidden = true;
  }
  const range = () => plot.layout.xaxis.range.map(Number);
  function redraw() {
    const drawn = windowed(range());
    Plotly.restyle(plot, { x: drawn.map((one) => one.x), y: drawn.map((one) => one.y) });
  }
  function show(start, stop) {
    const length = Math.min(Math.max(stop - start, 0.2), whole[1] - whole[0]);
    const from = Math.min(Math.max(start, whole[0]), whole[1] - length);
    return Plotly.relayout(plot, { "xaxis.range": [from, from + length] });
  }

  // An event's evidence: its traces, its pictures.
  const panel = document.getElementById("selected"), said = document.getElementById("said");
  function choose(number, scroll) {
    if (number < 0 || number >= events.length) return;
    chosen = number;
    const event = events[number];
    const around = Math.max(1, event.stop - event.start);
    show(event.start - around, event.stop + around);
    Plotly.relayout(plot, { shapes: shapes() });
    for (const one of document.querySelectorAll(".chosen")) one.classList.remove("chosen");
    for (const one of document.querySelectorAll(`[data-event="${number}"]`)) one.classList.add("chosen");
    panel.replaceChildren();
    const source = document.querySelector(`figure[data-event="${number}"]`);
    const caption = document.createElement("p");
    caption.textContent = event.name;
    caption.style.fontWeight = "650";
    panel.append(caption);
    const strip = source && source.querySelector(".strip, p");
    if (strip) {
      const copy = strip.cloneNode(true);
      panel.append(copy);
    }
    panel.hidden = false;
    said.textContent = event.name;
    state();
    if (scroll) {
      document.getElementById("traces").scrollIntoView({ behavior: Page.calm ? "auto" : "smooth" });
      document.querySelector('[data-do="all"]').focus({ preventScroll: true });
    }
  }
  function state() {
    document.querySelector('[data-do="previous"]').disabled = chosen <= 0;
    document.querySelector('[data-do="next"]').disabled = chosen >= events.length - 1;
  }
  state();
  const actions = {
    all: () => {
      chosen = -1;
      panel.hidden = true;
      for (const one of document.querySelectorAll(".chosen")) one.classList.remove("chosen");
      Plotly.relayout(plot, { shapes: shapes() });
      show(...whole);
      state();
    },
    in: () => zoom(0.5), out: () => zoom(2),
    earlier: () => move(-0.5), later: () => move(0.5),
    previous: () => choose(chosen - 1), next: () => choose(chosen + 1),
  };
  function zoom(factor) {
    const [start, stop] = range(), middle = (start + stop) / 2, half = (factor * (stop - start)) / 2;
    show(middle - half, middle + half);
  }
  function move(share) {
    const [start, stop] = range();
    show(start + share * (stop - start), stop + share * (stop - start));
  }
  for (const button of document.querySelectorAll("[data-do]")) {
    if (time.length < 2) button.disabled = true;
    else button.addEventListener("click", actions[button.dataset.do]);
  }
  for (const row of document.querySelectorAll("#event-table tbody tr")) {
    row.addEventListener("click", () => choose(Number(row.dataset.event), true));
  }

  for (const [name, { edges, counts }] of Object.entries(distributions)) {
    const vertical = name === "vertical";
    const lines = vertical ? [["up", "P5"], ["ahead", ""], ["down", "P95"]].filter(([one]) => levels[one] !== undefined) : [];
    Page.plot(document.getElementById(`plot-${name}`), [{
      type: "bar", x: counts.map((_, n) => (edges[n] + edges[n + 1]) / 2), y: counts, width: counts.map((_, n) => edges[n + 1] - edges[n]),
      marker: { color: blue, line: { color: "#fff", width: 1 } },
      customdata: counts.map((_, n) => [edges[n], edges[n + 1]]),
      hovertemplate: "%{customdata[0]:.3f} – %{customdata[1]:.3f}: %{y}<extra></extra>",
    }], {
      margin: { l: 44, r: 10, t: 26, b: 40 }, bargap: 0, showlegend: false, dragmode: false,
      xaxis: { title: { text: vertical ? words.offset_axis : words.seconds, font: { size: 12 } }, nticks: 4, tickangle: 0, fixedrange: true },
      yaxis: { title: { text: words.count }, fixedrange: true, rangemode: "tozero" },
      shapes: lines.map(([one]) => ({ type: "line", xref: "x", yref: "paper", x0: levels[one], x1: levels[one], y0: 0, y1: 1, line: { color: "#000", width: 1.5, dash: one === "ahead" ? "dot" : "dash" } })),
      annotations: lines.map(([one, text]) => ({ xref: "x", yref: "paper", x: levels[one], y: 1, yanchor: "bottom", showarrow: false, text, font: { size: 11 } })),
    });
  }

  // The sheet alone, as the browser's own menu prints it, or all of the page.
  for (const button of document.querySelectorAll("[data-prints]")) {
    button.addEventListener("click", () => {
      document.documentElement.dataset.print = button.dataset.prints;
      print();
    });
  }
  addEventListener("afterprint", () => { delete document.documentElement.dataset.print; });
})();
