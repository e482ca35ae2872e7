"use strict";
(() => {
  const NS = document.getElementById("ns").namespaceURI;
  const DATA = JSON.parse(document.getElementById("payload").textContent);
  const MINUS = "\u2212";
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const DASHES = ["7 4", "2 3", "10 3 2 3", "4 2"];

  // ---------- small helpers ----------
  const svg = (name, attributes = {}, text) => {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const html = (name, attributes = {}, text) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const known = (v) => v !== null && v !== undefined && Number.isFinite(v);
  const ruler = document.createElement("canvas").getContext("2d");
  const bodyFont = getComputedStyle(document.body).fontFamily;
  const widthOf = (text, strong) => {
    ruler.font = `${strong ? "600 " : ""}12px ${bodyFont}`;
    return ruler.measureText(text).width;
  };
  const widest = (texts, strong) => Math.max(0, ...texts.map((t) => widthOf(t, strong)));
  const colourOf = (s) => (s.neutral ? "var(--ink)" : s.baseline ? `var(--b${s.colour % 4})` : `var(--c${s.colour % 8})`);

  // ---------- numbers and dates ----------
  const formats = new Map();
  const fixed = (value, digits) => {
    if (!formats.has(digits)) {
      formats.set(digits, new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
    }
    const text = formats.get(digits).format(value);
    if (!text.startsWith("-")) return text;
    return /[1-9]/.test(text) ? MINUS + text.slice(1) : text.slice(1);
  };
  const significant = (value, digits = 4) => {
    if (!known(value)) return "n/a";
    if (value === 0) return "0";
    const size = Math.floor(Math.log10(Math.abs(value)));
    if (size < -5) return value.toExponential(digits - 1).replace("-", MINUS);
    return fixed(value, Math.min(10, Math.max(0, digits - 1 - size)));
  };
  const pad = (n) => String(n).padStart(2, "0");
  const dateText = (s) => {
    const d = new Date(s * 1000);
    return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
  };
  const momentText = (s) => {
    const d = new Date(s * 1000);
    return `${dateText(s)}, ${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())} UTC`;
  };

  // ---------- ticks ----------
  const niceStep = (span, count) => {
    const raw = span / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999) * power;
    return step;
  };
  const valueTicks = (low, high, count) => {
    let step, ticks;
    // A nice step may leave fewer than three ticks in the range: then take the next finer one.
    for (let tries = 0; tries < 6; tries++, count *= 1.6) {
      step = niceStep(high - low || 1, count);
      ticks = [];
      for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
      if (ticks.length >= 3) break;
    }
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const digits = Math.min(10, Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) > 1e-6 ? decimals + 1 : decimals);
    return { ticks, step, text: (v) => fixed(v, digits) };
  };
  const MINUTE = 60, HOUR = 3600, DAY = 86400;
  const TIME_STEPS = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 4 * DAY, 7 * DAY, 14 * DAY];
  const timeTicks = (low, high, count) => {
    const raw = (high - low) / Math.max(1, count);
    const step = TIME_STEPS.find((s) => s >= raw);
    const ticks = [];
    if (step) {
      const monday = 4 * DAY; // weeks start on a Monday: 1970-01-05
      const origin = step >= 7 * DAY ? monday : 0;
      for (let t = origin + Math.ceil((low - origin) / step) * step; t <= high; t += step) ticks.push(t);
    } else {
      const months = [1, 2, 3, 6, 12, 24, 60, 120].find((m) => m * 30.4 * DAY >= raw) || 240;
      const start = new Date(low * 1000);
      for (let m = start.getUTCFullYear() * 12 + start.getUTCMonth(); ; m++) {
        const t = Date.UTC(Math.floor(m / 12), m % 12, 1) / 1000;
        if (t > high) break;
        if (t >= low && m % months === 0) ticks.push(t);
      }
    }
    let year = null;
    const text = (t, index) => {
      if (index === 0) year = null;
      const d = new Date(t * 1000);
      const midnight = t % DAY === 0;
      const clock = `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}`;
      if (!midnight && index > 0) return clock;
      if (!midnight) {
        year = d.getUTCFullYear();
        return `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]} ${year}, ${clock}`;
      }
      const changed = year !== d.getUTCFullYear();
      year = d.getUTCFullYear();
      const day = step ? `${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}` : MONTHS[d.getUTCMonth()];
      return changed ? `${day} ${year}` : day;
    };
    return { ticks, text };
  };
  const countTicks = (low, high, count) => {
    const step = Math.ceil(niceStep(Math.max(1, high - low), count));
    const ticks = [low];
    for (let t = Math.ceil((low + 0.5) / step) * step; t <= high; t += step) ticks.push(t);
    return { ticks, text: (t) => fixed(t, 0) };
  };
  const extent = (series, keys) => {
    let low = Infinity, high = -Infinity;
    for (const s of series) for (const key of keys) for (const v of s[key] || []) {
      if (known(v)) { if (v < low) low = v; if (v > high) high = v; }
    }
    return low <= high ? [low, high] : [0, 1];
  };

  const quantiles = (series, share) => {
    const values = series.flatMap((s) => [...(s.low || s.y), ...(s.high || [])]).filter(known).sort((a, b) => a - b);
    if (!values.length) return [0, 1];
    const cut = Math.floor(share * (values.length - 1));
    return [values[cut], values[values.length - 1 - cut]];
  };

  // ---------- line charts ----------
  const pathOf = (s, X, Y, key) => {
    let d = "", pen = false;
    for (let i = 0; i < s.x.length; i++) {
      const v = s[key][i];
      if (!known(v)) { pen = false; continue; }
      d += `${pen ? "L" : "M"}${X(s.x[i]).toFixed(1)} ${Y(v).toFixed(1)}`;
      pen = true;
    }
    return d;
  };
  const bandOf = (s, X, Y) => {
    let d = "", run = [];
    const close = () => {
      if (run.length > 1) {
        d += "M" + run.map((i) => `${X(s.x[i]).toFixed(1)} ${Y(s.high[i]).toFixed(1)}`).join("L");
        d += "L" + run.slice().reverse().map((i) => `${X(s.x[i]).toFixed(1)} ${Y(s.low[i]).toFixed(1)}`).join("L") + "Z";
      }
      run = [];
    };
    for (let i = 0; i < s.x.length; i++) known(s.low[i]) && known(s.high[i]) ? run.push(i) : close();
    close();
    return d;
  };
  const marker = (s, x, y) => {
    // A triangle up where we bought, down where we sold, beyond the line so that both stay visible.
    const r = 5, up = s.points === "bought";
    const c = up ? y + 11 : y - 11, k = up ? -1 : 1;
    return `M${x.toFixed(1)} ${(c + k * r).toFixed(1)}L${(x - r).toFixed(1)} ${(c - k * r).toFixed(1)}L${(x + r).toFixed(1)} ${(c - k * r).toFixed(1)}Z`;
  };
  const swatch = (s) => {
    const icon = svg("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" });
    if (s.points) icon.append(svg("path", { d: s.points === "bought" ? "M13 2L8 11L18 11Z" : "M13 11L8 2L18 2Z", fill: colourOf(s) }));
    else icon.append(svg("line", { x1: 1, x2: 25, y1: 6, y2: 6, stroke: colourOf(s), "stroke-width": 2.4, "stroke-dasharray": s.baseline ? DASHES[s.colour % 4] : "none" }));
    return icon;
  };
  const nearest = (xs, x) => {
    let a = 0, b = xs.length - 1;
    while (b - a > 1) { const m = (a + b) >> 1; xs[m] <= x ? (a = m) : (b = m); }
    return Math.abs(xs[a] - x) <= Math.abs(xs[b] - x) ? a : b;
  };

  function lineChart(figure, series) {
    const unit = figure.dataset.unit, height = Number(figure.dataset.height) || 280;
    const hidden = new Set();
    const legend = html("div", { class: "legend" });
    series.forEach((s, i) => {
      const button = html("button", { type: "button", "aria-pressed": "true" });
      button.append(swatch(s), s.name);
      button.addEventListener("click", () => {
        hidden.has(i) ? hidden.delete(i) : hidden.add(i);
        button.setAttribute("aria-pressed", String(!hidden.has(i)));
        draw();
      });
      legend.append(button);
    });
    figure.append(legend);
    const holder = html("div");
    const readout = html("div", { class: "readout", hidden: "" });
    figure.append(holder, readout);

    function draw() {
      const width = Math.max(280, figure.clientWidth);
      const visible = series.filter((_, i) => !hidden.has(i));
      const trim = Number(figure.dataset.trim) || 0;
      let [low, high] = trim ? quantiles(visible, trim) : extent(visible, ["y", "low", "high"]);
      const margin = (high - low || Math.abs(high) || 1) * 0.04;
      if (!visible.some((s) => s.points)) { low = low > 0 && low < 0.3 * high ? 0 : low; high = high < 0 && high > 0.3 * low ? 0 : high; }
      low = low === 0 ? 0 : low - margin;
      high = high === 0 ? 0 : high + margin;
      const y = valueTicks(low, high, height / 48);
      const [x0, x1] = extent(series, ["x"]);
      const left = Math.ceil(widest(y.ticks.map(y.text))) + 10;
      const right = 14, top = 20, bottom = 24;
      const X = (v) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - right);
      const Y = (v) => top + ((high - Math.min(Math.max(v, low), high)) / (high - low || 1)) * (height - top - bottom);
      const label = `${figure.querySelector("figcaption").textContent}. ${visible.map((s) => {
        const last = s.y.filter(known).at(-1);
        return s.points ? `${s.name}: ${s.y.filter(known).length} fills` : `${s.name} ends at ${significant(last)} ${unit}`;
      }).join("; ")}.`;
      const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", tabindex: "0", "aria-label": label });
      root.append(svg("text", { x: 0, y: 11 }, unit));
      for (const t of y.ticks) {
        root.append(svg("line", { class: Math.abs(t) < y.step / 1e6 ? "zero" : "gridline", x1: left, x2: width - right, y1: Y(t), y2: Y(t) }));
        root.append(svg("text", { x: left - 8, y: Y(t) + 4, "text-anchor": "end" }, y.text(t)));
      }
      const counted = figure.dataset.counts; // what the horizontal axis counts; without, it is time
      const x = counted ? countTicks(x0, x1, (width - left) / 60) : timeTicks(x0, x1, (width - left) / 105);
      let free = -Infinity;
      x.ticks.forEach((t, i) => {
        const text = x.text(t, i), half = widthOf(text) / 2;
        const centre = Math.min(Math.max(X(t), half), width - half);
        root.append(svg("line", { class: "gridline", x1: X(t), x2: X(t), y1: height - bottom, y2: height - bottom + 5 }));
        if (centre - half < free + 8) return;
        root.append(svg("text", { x: centre, y: height - 5, "text-anchor": "middle" }, text));
        free = centre + half;
      });
      const leader = series.find((s) => !s.baseline);
      for (const s of visible.slice().reverse()) {
        const paint = colourOf(s);
        if (s.points) {
          const d = s.x.map((v, i) => (known(s.y[i]) ? marker(s, X(v), Y(s.y[i])) : "")).join("");
          root.append(svg("path", { d, fill: paint }));
          continue;
        }
        if (s.low) root.append(svg("path", { class: "band", d: bandOf(s, X, Y), fill: paint }));
        const weight = s.baseline ? " dashed" : s.thin ? " thin" : s === leader && series.some((o) => o.baseline) ? " first" : "";
        const line = svg("path", { class: "line" + weight, d: pathOf(s, X, Y, "y"), stroke: paint });
        if (s.baseline) line.setAttribute("stroke-dasharray", DASHES[s.colour % 4]);
        root.append(line);
        if (!known(s.mark)) continue;
        const dot = svg("circle", { cx: X(s.mark), cy: Y(s.y[nearest(s.x, s.mark)]), r: 5, fill: "var(--paper)", stroke: paint, "stroke-width": 2 });
        dot.append(svg("title", {}, `${s.name}: best at ${counted} ${s.mark}`));
        root.append(dot);
      }
      const cursor = svg("line", { class: "cursor", y1: top, y2: height - bottom, visibility: "hidden" });
      root.append(cursor);
      const grid = (visible.find((s) => !s.points) || visible[0] || { x: [] }).x;
      let at = grid.length - 1;
      const show = (index) => {
        at = Math.min(Math.max(index, 0), grid.length - 1);
        const moment = grid[at], px = X(moment);
        cursor.setAttribute("x1", px); cursor.setAttribute("x2", px); cursor.setAttribute("visibility", "visible");
        readout.replaceChildren(html("b", {}, counted ? `${counted} ${moment}` : momentText(moment)));
        for (const s of visible) {
          const i = nearest(s.x, moment);
          if (s.points && !known(s.y[i])) continue;
          const row = html("span"), name = html("i", { style: `--swatch:${colourOf(s)}` }, s.name);
          let value = significant(s.y[i]);
          if (s.low && known(s.low[i]) && s.low[i] !== s.high[i]) value += ` (${significant(s.low[i])} to ${significant(s.high[i])})`;
          row.append(name, html("span", {}, `${value} ${unit}`));
          readout.append(row);
        }
        readout.hidden = false;
        const box = readout.getBoundingClientRect();
        const side = px + 14 + box.width > width ? px - box.width - 14 : px + 14;
        readout.style.left = `${Math.max(0, Math.min(side, width - box.width))}px`;
        readout.style.top = `${holder.offsetTop + top}px`;
      };
      const hide = () => { readout.hidden = true; cursor.setAttribute("visibility", "hidden"); };
      if (grid.length) {
        root.addEventListener("pointermove", (event) => {
          const px = event.clientX - root.getBoundingClientRect().left;
          show(nearest(grid, x0 + ((px - left) / (width - left - right)) * (x1 - x0)));
        });
        root.addEventListener("keydown", (event) => {
          const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
          if (step) { event.preventDefault(); show(readout.hidden ? at : at + step); }
          if (event.key === "Escape") hide();
        });
        root.addEventListener("pointerleave", hide);
        root.addEventListener("blur", hide);
      }
      holder.replaceChildren(root);
    }
    return draw;
  }

  // ---------- horizontal charts: effects and the waterfall ----------
  function rowsChart(figure, rows, low, high, paint, head) {
    const unit = figure.dataset.unit;
    const holder = html("div");
    figure.append(holder);
    return () => {
      const width = Math.max(260, figure.clientWidth);
      const line = 30, top = 10, bottom = 42, height = top + rows.length * line + bottom;
      const names = rows.map((r) => r.name), values = rows.map((r) => r.text);
      const limit = width * 0.36;
      const cut = (text) => {
        if (widthOf(text, true) <= limit) return text;
        let end = text.length - 1;
        while (end > 1 && widthOf(text.slice(0, end) + "\u2026", true) > limit) end--;
        return text.slice(0, end) + "\u2026";
      };
      const left = Math.ceil(widest(names.map(cut), true)) + 12;
      const right = Math.ceil(widest(values, true)) + 14;
      const margin = (high - low || 1) * 0.05;
      const scale = [low - margin, high + margin];
      const X = (v) => left + ((v - scale[0]) / (scale[1] - scale[0])) * (width - left - right);
      const ticks = valueTicks(scale[0], scale[1], Math.max(3.5, (width - left - right) / 62));
      const label = `${figure.querySelector("figcaption").textContent}, ${unit}. ${rows.map((r) => `${r.name}: ${r.text}`).join("; ")}.`;
      const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
      let free = -Infinity;
      for (const t of ticks.ticks) {
        const zero = Math.abs(t) < ticks.step / 1e6;
        root.append(svg("line", { class: zero ? "zero" : "gridline", x1: X(t), x2: X(t), y1: top, y2: height - bottom + 4 }));
        const text = ticks.text(t), half = widthOf(text) / 2;
        if (X(t) - half < free + 4) continue;
        root.append(svg("text", { x: X(t), y: height - bottom + 18, "text-anchor": "middle" }, text));
        free = X(t) + half;
      }
      root.append(svg("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, head || unit));
      rows.forEach((row, i) => {
        const y = top + (i + 0.5) * line;
        const name = svg("text", { x: left - 10, y: y + 4, "text-anchor": "end", class: row.strong ? "strong" : "" }, cut(row.name));
        name.append(svg("title", {}, row.name));
        root.append(name);
        paint(root, row, X, y, i);
        const value = svg("text", { x: width, y: y + 4, "text-anchor": "end", class: row.strong ? "strong" : "" }, row.text);
        root.append(value);
      });
      holder.replaceChildren(root);
    };
  }
  function dotsChart(figure, effect) {
    const rows = effect.levels.map((l) => ({
      ...l,
      name: l.value,
      text: known(l.error) ? `${fixed(l.mean, 3)} ± ${fixed(l.error, 3)}` : fixed(l.mean, 3),
    }));
    const low = Math.min(0, ...rows.map((r) => r.mean - (r.error || 0)));
    const high = Math.max(0, ...rows.map((r) => r.mean + (r.error || 0)));
    return rowsChart(figure, rows, low, high, (root, row, X, y) => {
      if (known(row.error)) {
        const [a, b] = [X(row.mean - row.error), X(row.mean + row.error)];
        root.append(svg("path", { d: `M${a} ${y}H${b}M${a} ${y - 5}V${y + 5}M${b} ${y - 5}V${y + 5}`, stroke: "var(--c0)", "stroke-width": 1.6, fill: "none" }));
      }
      const dot = svg("circle", { cx: X(row.mean), cy: y, r: 5, fill: row.hollow ? "var(--paper)" : "var(--c0)", stroke: "var(--c0)", "stroke-width": 1.6 });
      const best = known(row.best) ? `, best ${fixed(row.best, 3)}` : "";
      dot.append(svg("title", {}, `${row.name}: mean ${row.text}, ${row.n} trials${best}`));
      root.append(dot);
    });
  }
  function waterfall(figure, bars) {
    const rows = bars.map((b) => ({ ...b, text: (b.value > 0 ? "+" : "") + fixed(b.value, 2), strong: b.total }));
    const ends = rows.flatMap((r) => [r.from, r.to, 0]);
    return rowsChart(figure, rows, Math.min(...ends), Math.max(...ends), (root, row, X, y, i) => {
      const [a, b] = [X(Math.min(row.from, row.to)), X(Math.max(row.from, row.to))];
      const fill = row.total ? "var(--b0)" : row.value >= 0 ? "var(--c0)" : "var(--c1)";
      const bar = svg("rect", { x: a, y: y - 10, width: Math.max(1.5, b - a), height: 20, fill, rx: 2 });
      bar.append(svg("title", {}, `${row.name}: ${row.text} USD`));
      root.append(bar);
      if (i + 1 < rows.length) root.append(svg("line", { class: "zero", x1: X(row.to), x2: X(row.to), y1: y + 10, y2: y + 20 }));
    });
  }

  const redraw = [];
  for (const figure of document.querySelectorAll("figure.chart")) {
    const kind = figure.dataset.kind;
    let draw;
    if (kind === "dots") draw = dotsChart(figure, figure.id ? { levels: DATA[figure.id] } : DATA.effects[Number(figure.dataset.effect)]);
    else if (kind === "waterfall") draw = waterfall(figure, DATA[figure.id]);
    else draw = lineChart(figure, DATA[figure.id]);
    draw();
    redraw.push(draw);
  }
  let last = document.documentElement.clientWidth;
  const resized = () => {
    if (document.documentElement.clientWidth === last) return;
    last = document.documentElement.clientWidth;
    redraw.forEach((draw) => draw());
  };
  window.addEventListener("resize", resized);
  window.addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((d) => (d.open = true));
    redraw.forEach((draw) => draw());
  });
})();
