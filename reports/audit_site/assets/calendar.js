/* What was due and what was done, month by month. */
"use strict";

(function () {
  const { make, say, both } = Site;
  const MOST = 4;

  /* data/calendar/2026.js: {"2026-03-05": {due: [[obligation, what, state]], runs: [[verdict, count]], entries: [[number, what]]}} */
  Site.views.calendar = async function (chosen) {
    const shown = chosen || Site.main.today.slice(0, 7);
    const [year, month, day] = shown.split("-");
    if (!/^\d{4}-\d\d(-\d\d)?$/.test(shown)) return Site.missing();
    const days = Site.main.years.includes(year) ? await Site.load("calendar/" + year) : {};
    return day ? dayPage(year + "-" + month + "-" + day, days) : monthPage(Number(year), Number(month), days);
  };

  const pad = (number) => String(number).padStart(2, "0");

  function around(year, month, step) {
    const moved = new Date(Date.UTC(year, month - 1 + step, 1));
    return moved.getUTCFullYear() + "-" + pad(moved.getUTCMonth() + 1);
  }

  function monthPage(year, month, days) {
    const title = say("month", { year, month: pad(month) });
    const years = [...new Set([...Site.main.years, String(year)])].sort();
    const chooser = (name, values, value, go) => make("label", {}, say(name) + " ", make("select", { on: { change: (event) => { location.hash = "#/calendar/" + go(event.target.value); } } }, values.map((one) => make("option", { value: one, selected: one === value }, one))));
    const tools = make("div", { class: "filters" },
      Site.link("#/calendar/" + around(year, month, -1), "← " + say("previous")),
      chooser("year_choose", years, String(year), (chosen) => chosen + "-" + pad(month)),
      chooser("month_choose", Array.from({ length: 12 }, (_, place) => pad(place + 1)), pad(month), (chosen) => year + "-" + chosen),
      Site.link("#/calendar/" + around(year, month, 1), say("next") + " →"));
    const blank = (new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 6) % 7;
    const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
    const cells = [];
    for (let place = 0; place < blank; place += 1) cells.push(make("td", { class: "blank" }));
    for (let number = 1; number <= length; number += 1) cells.push(cell(year + "-" + pad(month) + "-" + pad(number), number, days));
    while (cells.length % 7) cells.push(make("td", { class: "blank" }));
    const weeks = [];
    for (let place = 0; place < cells.length; place += 7) weeks.push(make("tr", {}, cells.slice(place, place + 7)));
    const head = make("tr", {}, say("weekdays").split(" ").map((one) => make("th", { scope: "col" }, one)));
    return [make("h1", {}, say("calendar") + " · " + title), tools, make("div", { class: "wide" }, make("table", { class: "month", "aria-label": title }, make("thead", {}, head), make("tbody", {}, weeks)))];
  }

  function cell(day, number, days) {
    const found = Object.hasOwn(days, day) ? days[day] : null;
    if (!found) return make("td", {}, make("span", { class: "day" }, String(number)));
    const lines = linesOf(found, day);
    const shown = lines.slice(0, MOST).map((line) => make("li", {}, line));
    if (lines.length > MOST) shown.push(make("li", {}, Site.link("#/calendar/" + day, say("more_of_day", { count: lines.length - MOST }))));
    return make("td", { class: day === Site.main.today ? "today" : null }, make("a", { class: "day", href: "#/calendar/" + day, "aria-label": day }, String(number)), make("ul", {}, shown));
  }

  function linesOf(found, day) {
    const tones = Site.main.tones;
    return [
      ...found.due.map(([id, what, state]) => [Site.tag(Site.word("standings", state), tones[state]), " ", Site.link("#/obligation/" + encodeURIComponent(id), id), " " + both(what)]),
      ...found.runs.map(([verdict, count]) => [Site.tag(Site.word("states", verdict), Site.main.runTones[verdict]), " ", Site.link("#/runs/" + encodeURIComponent("day:" + day), say("day_runs", { count }))]),
      ...found.entries.map(([entry, what]) => [Site.link("#/entry/" + entry, "#" + entry), " " + both(what)]),
    ];
  }

  function dayPage(day, days) {
    const found = Object.hasOwn(days, day) ? days[day] : null;
    return [
      make("h1", {}, say("calendar") + " · " + day),
      make("p", {}, Site.link("#/calendar/" + day.slice(0, 7), "← " + say("month", { year: day.slice(0, 4), month: day.slice(5, 7) }))),
      found ? make("ul", { class: "plainly" }, linesOf(found, day).map((line) => make("li", {}, line))) : make("p", {}, say("nothing")),
    ];
  }
})();
