/* Overview, heat map of the obligations, and each obligation with its rows. */
"use strict";

(function () {
  const { make, say, both, tag, section } = Site;

  const state = (name) => tag(Site.word("standings", name), Site.main.tones[name]);

  Site.views.overview = function () {
    const main = Site.main;
    const facts = Site.facts([
      [say("contract"), main.contract],
      [say("system"), main.system],
      [say("site"), main.site],
      [say("purchaser"), main.purchaser],
      [say("provider"), main.provider],
      [say("period"), both(main.period)],
      [say("as_of"), main.asOf + " " + main.zone],
      [say("count_entries"), Site.link("#/entries", String(main.entries))],
      [say("head"), make("code", {}, main.head.printed)],
      ...keys(),
      [say("left_out"), main.leftOut ? say("left_out_note", { count: main.leftOut }) : null],
    ]);
    const page = [make("h1", {}, say("overview")), facts];
    if (main.findings.length) page.push(section(counted("findings", main.findings), make("p", {}, say("findings_note")), found(main.findings, "problem")));
    if (main.remarks.length) page.push(section(counted("remarks", main.remarks), make("p", {}, say("remarks_note")), found(main.remarks, "")));
    page.push(section(say("standing_title"), main.counts.length ? tiles(main.counts, "standings", main.tones, "#/compliance") : make("p", {}, say("standing_none"))));
    page.push(section(say("runs_title"), main.runs.length ? tiles(main.runs, "states", main.runTones, "#/runs") : make("p", {}, say("nothing")), runsLeft()));
    page.push(section(say("how_to_check"), make("p", {}, say("how_to_check_text")), make("p", {}, say("check_footers"))));
    if (main.counts.length) page.push(section(say("attention"), unassessed(), main.attention.length ? rowsTable(main.attention, true) : make("p", {}, say("attention_none"))));
    return page;
  };

  /* Whoever wrote the site's key down on the first day has another one than who did later. */
  function keys() {
    const { firstKey, fingerprint } = Site.main;
    const shown = (key) => make("code", {}, key);
    return firstKey === fingerprint ? [[say("site_key"), shown(fingerprint)]] : [[say("site_key_first"), shown(firstKey)], [say("site_key_now"), shown(fingerprint)]];
  }

  function unassessed() {
    const found = Site.main.counts.find(([name]) => name === "not assessed");
    return found ? make("p", {}, Site.link("#/compliance/" + encodeURIComponent(found[0]), say("attention_unassessed", { count: found[1] }))) : "";
  }

  const counted = (key, list) => say("counted", { title: say(key), count: list.length });

  /* What was found: [kind, the program's words, entry or null] */
  function found(list, look) {
    return make("ul", { class: "found " + look }, list.map(([kind, words, entry]) => make("li", {}, Site.word("audit_findings", kind), " ", entry ? Site.evidence([entry]) : "", make("code", {}, words))));
  }

  const runsLeft = () => (Site.main.runsLeft ? make("p", { class: "soft" }, say("runs_left", { count: Site.main.runsLeft })) : "");

  Site.runsLeft = runsLeft;

  function tiles(counts, table, tones, address) {
    return make("ul", { class: "tiles" }, counts.map(([name, count]) => make("li", {}, make("a", { href: address + "/" + encodeURIComponent(name), class: "tile " + (tones[name] || "plain") }, make("b", {}, String(count)), make("span", {}, Site.word(table, name))))));
  }

  /* A row: [obligation, what, state, due, done, margin, evidence, reason, order of due] */
  function rowsTable(rows, named, first) {
    const columns = [
      { title: say("what"), cell: (row) => both(row[1]), order: (row) => both(row[1]) },
      { title: say("state"), key: "state", cell: (row) => state(row[2]), text: (row) => Site.word("standings", row[2]), order: (row) => Site.main.order.indexOf(row[2]), choice: (row) => row[2], name: (name) => Site.word("standings", name) },
      { title: say("due"), cell: (row) => both(row[3]), order: (row) => row[8] },
      { title: say("done"), cell: (row) => both(row[4]), order: (row) => both(row[4]) },
      { title: say("margin"), cell: (row) => both(row[5]) },
      { title: say("evidence"), cell: (row) => Site.evidence(row[6]), text: (row) => row[6].map((one) => "#" + one).join(" ") },
      { title: say("reason"), cell: (row) => both(row[7]) },
    ];
    if (named) columns.unshift({ title: say("obligation"), cell: (row) => obligationLink(row[0]), text: (row) => row[0] + " " + nameOf(row[0]), order: (row) => row[0] });
    return Site.table(columns, rows, { first });
  }

  const nameOf = (id) => (Site.main.obligations.find((one) => one.id === id) || { name: "" }).name;

  const obligationLink = (id) => Site.link("#/obligation/" + encodeURIComponent(id), id + " " + nameOf(id));

  Site.obligations = (ids) => ids.flatMap((id) => [Site.main.obligations.some((one) => one.id === id) ? Site.link("#/obligation/" + encodeURIComponent(id), id) : id, " "]);

  Site.views.compliance = function (chosen) {
    const main = Site.main;
    const page = [make("h1", {}, say("compliance"))];
    const heat = both(main.heat);
    page.push(section(say("map"), heat ? heatMap(heat) : make("p", {}, say("map_none"))));
    const columns = [
      { title: say("obligation"), cell: (one) => obligationLink(one.id), text: (one) => one.id + " " + one.name + " " + one.clause, order: (one) => one.id },
      { title: say("kind"), cell: (one) => both(one.kind), choice: (one) => both(one.kind) },
      { title: say("state"), key: "state", cell: (one) => state(one.standing), text: (one) => Site.word("standings", one.standing), order: (one) => main.order.indexOf(one.standing), choice: (one) => one.counts.map((pair) => pair[0]), name: (name) => Site.word("standings", name) },
      { title: say("counts"), cell: (one) => one.counts.map(([name, count]) => Site.word("standings", name) + " " + count).join(" · ") },
    ];
    const first = new Map(chosen ? [["state", chosen]] : []);
    page.push(section(say("obligations_title"), Site.table(columns, main.obligations, { first })));
    return page;
  };

  /* heat: {columns, groups: [[year, count]], lines: [[id, label, [[letter, class, title]]]], legend, note} */
  function heatMap(heat) {
    const squares = [];
    const rows = heat.lines.map(function ([id, label, line], y) {
      squares.push([]);
      return make("tr", {}, make("th", { scope: "row" }, Site.link("#/obligation/" + encodeURIComponent(id), label)), line.map(function ([letter, look, title], x) {
        const square = make("td", { class: "square " + look, title: title || null });
        if (letter) {
          const link = make("a", { href: "#/obligation/" + encodeURIComponent(id), tabindex: "-1", "aria-label": [id, heat.names[x], title].join(" ") }, letter);
          square.append(link);
          squares[y][x] = link;
        }
        return square;
      }));
    });
    const first = squares.flat().find(Boolean);
    if (first) first.tabIndex = 0;
    const table = make("table", { class: "heat", on: { keydown: (event) => walk(event, squares) } },
      make("thead", {}, make("tr", {}, make("th", { rowspan: "2", scope: "col" }, say("obligation")), heat.groups.map(([year, count]) => make("th", { colspan: count, scope: "colgroup" }, year))),
        make("tr", {}, heat.columns.map((one) => make("th", { scope: "col" }, one)))),
      make("tbody", {}, rows));
    const legend = make("ul", { class: "legend" }, heat.legend.map(([letter, look, title]) => make("li", {}, make("span", { class: "square " + look }, letter), " " + title)));
    return make("div", {}, make("p", { class: "soft" }, heat.note + " ", make("span", { class: "screen" }, say("map_hint"))), legend, make("div", { class: "wide map", tabindex: "0" }, table));
  }

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function walk(event, squares) {
    const step = STEPS[event.key];
    if (!step) return;
    let y = squares.findIndex((line) => line.includes(event.target));
    if (y < 0) return;
    let x = squares[y].indexOf(event.target);
    const widest = Math.max(...squares.map((line) => line.length));
    event.preventDefault();
    do {
      x += step[0];
      y += step[1];
      if (y < 0 || y >= squares.length || x < 0 || x >= widest) return;
    } while (!squares[y][x]);
    event.target.tabIndex = -1;
    squares[y][x].tabIndex = 0;
    squares[y][x].focus();
  }

  Site.views.obligation = async function (id) {
    const place = Site.main.obligations.findIndex((one) => one.id === id);
    if (place < 0) return Site.missing();
    const one = Site.main.obligations[place];
    const rows = await Site.load("obligations/" + place);
    return [
      make("h1", {}, one.id + " " + one.name),
      Site.facts([
        [say("state"), state(one.standing)],
        [say("kind"), both(one.kind)],
        [say("clause"), make("q", {}, one.clause)],
        [say("responsible"), both(one.owner)],
      ]),
      section(say("what"), rowsTable(rows, false)),
    ];
  };
})();
