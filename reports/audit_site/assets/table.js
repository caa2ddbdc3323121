/* A table that searches, filters and sorts many thousand rows, and makes only those that are looked at. */
"use strict";

(function () {
  const { make } = Site;
  const STEP = 200;

  /* columns: {title, cell(row) → node or text, text(row) → what is searched, order(row) → what is sorted by,
     choice(row) → what a filter chooses among, name(choice) → how it reads, tone}; options: {label, first} */
  Site.table = function (columns, rows, options) {
    const settings = options || {};
    const state = { words: [], chosen: new Map(), sorted: null, down: false, shown: STEP, found: rows };
    const texts = new Map();
    const body = make("tbody");
    const count = make("p", { class: "count", role: "status" });
    const more = make("button", { type: "button", on: { click: () => extend(state.shown + STEP) } }, Site.say("more"));
    const everything = make("button", { type: "button", on: { click: () => extend(rows.length) } }, Site.say("everything"));

    const textOf = (column, row) => String((column.text || column.cell)(row) ?? "");

    function searched(row) {
      if (!texts.has(row)) {
        const parts = columns.map((column) => (column.text || !column.cell ? textOf(column, row) : plain(column, row)));
        texts.set(row, parts.join("\n").toLowerCase());
      }
      return texts.get(row);
    }

    function plain(column, row) {
      const cell = column.cell(row);
      return typeof cell === "object" && cell !== null ? "" : String(cell ?? "");
    }

    function find() {
      state.found = rows.filter(function (row) {
        for (const [column, choice] of state.chosen) if (![column.choice(row)].flat().includes(choice)) return false;
        return !state.words.length || state.words.every((word) => searched(row).includes(word));
      });
      if (state.sorted) {
        const order = state.sorted.order;
        const keyed = state.found.map((row) => [order(row) ?? "", row]);
        const natural = new Intl.Collator(undefined, { numeric: true }).compare;
        const compare = (one, other) => (typeof one === "number" && typeof other === "number" ? one - other : natural(one, other));
        keyed.sort((one, other) => compare(one[0], other[0]) * (state.down ? -1 : 1));
        state.found = keyed.map((pair) => pair[1]);
      }
      state.shown = STEP;
      body.replaceChildren();
      extend(STEP);
    }

    function extend(upTo) {
      state.shown = Math.min(upTo, state.found.length);
      const made = [];
      for (let place = body.childElementCount; place < state.shown; place += 1) made.push(line(state.found[place]));
      body.append(...made);
      if (!state.found.length) body.replaceChildren(make("tr", {}, make("td", { colspan: columns.length, class: "soft" }, Site.say("nothing"))));
      count.textContent = Site.say("shown", { shown: state.shown, total: rows.length === state.found.length ? rows.length : state.found.length + " / " + rows.length });
      more.hidden = everything.hidden = state.shown >= state.found.length;
    }

    function line(row) {
      return make("tr", {}, columns.map(function (column) {
        const cell = column.cell(row);
        return make("td", { class: column.look }, ...[cell].flat());
      }));
    }

    function sortBy(column) {
      state.down = state.sorted === column ? !state.down : Boolean(column.newest);
      state.sorted = column;
      heads();
      find();
    }

    const head = make("tr");
    function heads() {
      const focused = [...head.children].findIndex((one) => one.contains(document.activeElement));
      head.replaceChildren(...columns.map(function (column) {
        const sort = state.sorted === column ? (state.down ? "descending" : "ascending") : null;
        const title = column.order
          ? make("button", { type: "button", title: Site.say("sort", { column: column.title }), on: { click: () => sortBy(column) } }, column.title, sort ? (state.down ? " ▼" : " ▲") : "")
          : column.title;
        return make("th", { scope: "col", "aria-sort": sort, class: column.look }, title);
      }));
      if (focused >= 0) head.children[focused].querySelector("button")?.focus();
    }

    function chooser(column) {
      const choices = new Set(rows.flatMap((row) => [column.choice(row)].flat()));
      choices.delete(null);
      choices.delete("");
      if (choices.size < 2) return null;
      const name = column.name || String;
      const list = [...choices].sort(new Intl.Collator(undefined, { numeric: true }).compare);
      const select = make("select", { on: { change: () => choose(column, select.value) } }, make("option", { value: "" }, Site.say("all")), ...list.map((one) => make("option", { value: one, selected: settings.first && settings.first.get(column.key) === one }, name(one))));
      return make("label", {}, column.title + " ", select);
    }

    function choose(column, value) {
      if (value) state.chosen.set(column, value);
      else state.chosen.delete(column);
      find();
    }

    for (const column of columns) {
      const value = settings.first && settings.first.get(column.key);
      if (value) state.chosen.set(column, value);
    }
    const tools = make("div", { class: "filters" });
    if (rows.length > 1) {
      let timer = 0;
      const field = make("input", { type: "search", "aria-label": Site.say("search"), title: Site.say("search_hint"), placeholder: Site.say("search") + "  /", on: { input: function () {
        clearTimeout(timer);
        timer = setTimeout(function () {
          state.words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
          find();
        }, 120);
      } } });
      tools.append(field);
      for (const column of columns) if (column.choice) tools.append(chooser(column) || "");
    } else {
      state.chosen.clear();
    }
    heads();
    find();
    const table = make("table", { "aria-label": settings.label }, make("thead", {}, head), body);
    return make("div", { class: "listing" }, tools, count, make("div", { class: "wide", tabindex: "0" }, table), make("div", { class: "further" }, more, everything));
  };
})();
