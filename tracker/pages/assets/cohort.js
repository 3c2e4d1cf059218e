"use strict";
(() => {
  const { rows, plots, words } = Page.data;
  const table = document.getElementById("recordings");
  const shown = document.getElementById("shown");
  const byNumber = new Map([...table.tBodies[0].rows].map((row) => [Number(row.dataset.number), row]));

  // Show one status at a time, or all.
  const filters = [...document.querySelectorAll("button[data-filter]")];
  function show(status) {
    let count = 0;
    for (const row of byNumber.values()) {
      row.hidden = status !== "" && row.dataset.status !== status;
      if (!row.hidden) count += 1;
    }
    for (const button of filters) button.setAttribute("aria-pressed", String(button.dataset.filter === status));
    shown.textContent = words.shown.replace("{shown}", count).replace("{count}", byNumber.size);
  }
  for (const button of filters) button.addEventListener("click", () => show(button.dataset.filter));
  show("");

  function find(number) {
    const row = byNumber.get(number);
    if (row.hidden) show("");
    row.tabIndex = -1;
    row.focus();
    row.scrollIntoView({ block: "center", behavior: Page.calm ? "auto" : "smooth" });
  }

  // Spread the marks of one value by a fixed pattern, so that the plot always looks the same.
  const spread = (place) => (((place * 0.618034) % 1) - 0.5) * 0.6;
  // Plotly reads some HTML in texts: escape it.
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const looks = {
    suspected: { color: Page.colors.vermillion, symbol: "octagon" },
    borderline: { color: Page.colors.orange, symbol: "diamond" },
    not_suspected: { color: Page.colors.blue, symbol: "circle" },
    not_assessable: { color: Page.colors.quiet, symbol: "circle-open" },
  };
  for (const plot of plots) {
    const element = document.getElementById(plot.id);
    const traces = Object.entries(looks).map(([status, look]) => {
      const found = rows
        .map((row, number) => ({ ...row, number }))
        .filter((row) => row.status === status && row[plot.measure] !== null);
      return {
        type: "scatter", mode: "markers", name: words[status],
        x: found.map((row) => row[plot.measure]),
        y: found.map((row) => spread(row.number)),
        customdata: found.map((row) => row.number),
        text: found.map((row) => plain(row.name)),
        hovertemplate: "%{text}<br>%{x}<extra></extra>",
        marker: { size: 10, line: { width: 1.5, color: look.symbol === "circle-open" ? look.color : "#fff" }, ...look },
      };
    }).filter((trace) => trace.x.length);
    const limit = plot.limit === null ? [] : [plot.limit];
    Page.plot(element, traces, {
      height: plot.height, showlegend: plot.legend, hovermode: "closest",
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      margin: { l: 14, r: 14, t: plot.legend ? 56 : 26, b: 48 },
      xaxis: { title: { text: plot.title }, rangemode: "tozero" },
      yaxis: { visible: false, range: [-0.6, 0.6], fixedrange: true },
      shapes: limit.map((x) => ({ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color: "#000", dash: "dash", width: 2 } })),
      annotations: limit.map((x) => ({
        x, yref: "paper", y: 1, yanchor: "top", xanchor: "left", showarrow: false, xshift: 4,
        text: `${plot.limit_words} ${x}`, font: { color: "#000" }, bgcolor: "rgba(255,255,255,.8)",
      })),
    }).then(() => element.on("plotly_click", (event) => find(event.points[0].customdata)));
  }
})();
