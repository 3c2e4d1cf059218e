"use strict";
const Page = (() => {
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const colors = {
    blue: "#0072b2", vermillion: "#d55e00", green: "#009e73", orange: "#e69f00", sky: "#56b4e9",
    purple: "#cc79a7", black: "#000000", ink: "#1a1f26", quiet: "#4a5460", line: "#d5dbe1",
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const plots = [];
  const axis = {
    gridcolor: colors.line, zerolinecolor: "#9aa4af", linecolor: "#7b8794", ticks: "outside",
    tickcolor: "#7b8794", automargin: true,
  };
  const PRINT_WIDTH_PX = 690; // of A4 within the margins of page.css

  // Axes in `layout` get this page's look. Their own settings come first.
  function plot(element, traces, layout = {}) {
    const full = {
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colors.ink },
      paper_bgcolor: "#fff", plot_bgcolor: "#fff",
      margin: { l: 56, r: 14, t: 24, b: 44 },
      hoverlabel: { bgcolor: "#fff", bordercolor: colors.ink, font: { color: colors.ink } },
      ...layout,
    };
    for (const name of new Set(["xaxis", "yaxis", ...Object.keys(layout)])) {
      if (/^[xy]axis\d*$/.test(name)) full[name] = { ...axis, ...layout[name] };
    }
    const config = {
      displaylogo: false, responsive: true, showSendToCloud: false, showTips: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      locale: Plotly.register && document.documentElement.lang === "ko" ? "ko" : "en",
    };
    plots.push(element);
    return Plotly.newPlot(element, traces, full, config);
  }

  if (typeof Plotly !== "undefined") {
    Plotly.register({
      moduleType: "locale", name: "ko",
      dictionary: {
        "Download plot as a PNG": "그림(PNG)으로 저장", "Download plot": "그림으로 저장",
        "Zoom": "확대 영역 선택", "Pan": "이동", "Zoom in": "확대", "Zoom out": "축소",
        "Reset axes": "처음 범위로", "Reset": "처음 범위로", "Double-click to zoom back out": "두 번 클릭하면 축소됩니다",
      },
      format: { decimal: ".", thousands: "," },
    });
  }

  const wereShut = [];
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details:not([open])")) {
      one.open = true;
      wereShut.push(one);
    }
    for (const element of plots) {
      const most = Number(element.dataset.printWidth ?? PRINT_WIDTH_PX);
      const height = Number(element.dataset.printHeight ?? element.offsetHeight);
      Plotly.relayout(element, { width: most, height, autosize: false });
    }
  });
  addEventListener("afterprint", () => {
    for (const one of wereShut.splice(0)) one.open = false;
    for (const element of plots) Plotly.relayout(element, { width: null, height: null, autosize: true });
  });

  // Cells are compared as numbers if both are numbers, else as text. Empty cells come last.
  function compare(a, b) {
    const x = Number(a), y = Number(b);
    if (a === "" || b === "") return (a === "") - (b === "");
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
  }
  const key = (row, column) => {
    const cell = row.cells[column];
    return (cell.dataset.sort ?? cell.textContent).trim();
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.setAttribute("aria-sort", "none");
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => {
          const first = key(a, column), second = key(b, column);
          const order = compare(first, second);
          return down && first !== "" && second !== "" ? -order : order;
        });
        table.tBodies[0].append(...rows);
      });
    });
  }

  return { data, colors, calm, plot };
})();
