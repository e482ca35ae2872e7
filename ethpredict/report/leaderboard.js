"use strict";
// The leaderboard: sorting, filters, linkable views. The locked test takes part in none of them.
(() => {
  const board = document.getElementById("board");
  if (!board) return;
  const body = board.tBodies[0], heads = [...board.tHead.rows[0].cells], rows = [...body.rows];
  const firstAxis = heads.findIndex((head) => head.dataset.axis === "0");
  const text = document.getElementById("filter-text"), toggle = document.getElementById("filter-baselines");
  const selects = [...document.querySelectorAll("#filters select")], count = document.getElementById("shown");
  const sortValue = (row, index) => {
    const cell = row.cells[index];
    const raw = cell.dataset.sort === undefined ? cell.textContent : cell.dataset.sort;
    if (raw === "") return null;
    return Number.isNaN(Number(raw)) ? raw : Number(raw);
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  };
  function sortBy(index, direction) {
    const sign = direction === "descending" ? -1 : 1;
    const keyed = rows.map((row, order) => ({ row, order, value: sortValue(row, index) }));
    keyed.sort((a, b) => {
      // What has no value stands last in both directions.
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.order - b.order;
      return sign * compare(a.value, b.value) || a.order - b.order;
    });
    body.append(...keyed.map((k) => k.row));
    heads.forEach((head, i) => (i === index ? head.setAttribute("aria-sort", direction) : head.removeAttribute("aria-sort")));
  }
  function filter() {
    const words = text.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      // The locked column is left out: nobody shall search by it.
      const content = [...row.cells].filter((c) => !c.classList.contains("locked")).map((c) => c.textContent.toLowerCase()).join(" ");
      const baseline = row.classList.contains("baseline");
      const keep =
        (toggle.checked || !baseline) &&
        words.every((word) => content.includes(word)) &&
        selects.every((s) => !s.value || row.cells[firstAxis + Number(s.dataset.axis)].textContent === s.value);
      row.hidden = !keep;
      shown += keep;
    }
    count.textContent = `${shown.toLocaleString("en-US")} of ${rows.length.toLocaleString("en-US")} rows shown`;
  }
  heads.forEach((head, index) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const descendingFirst = head.classList.contains("num") && head.dataset.key !== "rank";
      const now = head.getAttribute("aria-sort");
      const first = descendingFirst ? "descending" : "ascending", second = descendingFirst ? "ascending" : "descending";
      sortBy(index, now === first ? second : first);
    });
  });
  const form = document.getElementById("filters");
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { filter(); sortBy(heads.findIndex((head) => head.dataset.key === "pnl_1k"), "descending"); }));

  // A view can be linked: #view?sort=pnl_1k:ascending&text=ridge&baselines=0
  function fromHash() {
    if (!location.hash.startsWith("#view?")) return;
    const view = new URLSearchParams(location.hash.slice("#view?".length));
    const [key, direction] = (view.get("sort") || "").split(":");
    const index = heads.findIndex((head) => head.dataset.key === key && head.querySelector("button"));
    if (index >= 0) sortBy(index, direction === "ascending" ? "ascending" : "descending");
    if (view.has("text")) text.value = view.get("text");
    if (view.has("baselines")) toggle.checked = view.get("baselines") !== "0";
    for (const select of selects) {
      const head = heads[firstAxis + Number(select.dataset.axis)];
      if (view.has(head.dataset.key)) select.value = view.get(head.dataset.key);
    }
    document.getElementById("leaderboard").scrollIntoView();
  }
  window.addEventListener("hashchange", () => { fromHash(); filter(); });
  fromHash();
  filter();
  document.documentElement.dataset.ready = "true";
})();
