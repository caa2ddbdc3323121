/* Runs, and each run with its hosts × tasks, failures, differences and observations. */
"use strict";

(function () {
  const { make, say, both, tag, section } = Site;
  const LEVELS = ["critical", "warning", "unknown", "notice", "ok"];
  const OUTCOME_TONES = { ok: "ok", unreachable: "critical", failed: "critical" };

  /* A run: [id, procedure, started, ended, verdict, operator, hosts, reached, levels, obligations, entry, check, limit, in pack] */
  const verdict = (name) => tag(Site.word("states", name), Site.main.runTones[name]);

  function levels(counts) {
    return LEVELS.map((level, place) => (counts[place] ? tag(Site.word("levels", level) + " " + counts[place], level) : null)).filter(Boolean).flatMap((one) => [one, " "]);
  }

  function mode(run) {
    const parts = [run[11] ? say("mode_check") : "", run[12] === null ? "" : say("mode_limit", { limit: run[12] })];
    return parts.filter(Boolean).join(" · ") || say("mode_whole");
  }

  Site.views.runs = async function (chosen) {
    let runs = await Site.loadAll("runs-", Site.main.runParts);
    const day = chosen.startsWith("day:") ? chosen.slice(4) : null;
    if (day) runs = runs.filter((run) => run[2].startsWith(day));
    const columns = [
      { title: say("started"), cell: (run) => run[2], order: (run) => run[2], newest: true, look: "time" },
      { title: say("run"), cell: (run) => (run[13] ? Site.link("#/run/" + encodeURIComponent(run[0]), run[0]) : Site.link("#/entry/" + run[10], run[0])), text: (run) => run[0] },
      { title: say("procedure"), cell: (run) => Site.word("procedures", run[1]), text: (run) => run[1] + " " + Site.word("procedures", run[1]), order: (run) => run[1], choice: (run) => run[1], name: (name) => Site.word("procedures", name) },
      { title: say("verdict"), key: "verdict", cell: (run) => verdict(run[4]), text: (run) => Site.word("states", run[4]), order: (run) => run[4], choice: (run) => run[4], name: (name) => Site.word("states", name) },
      { title: say("reached"), cell: (run) => (run[6] === null ? "" : run[7] + " / " + run[6]), order: (run) => run[6], look: "number" },
      { title: say("observations"), key: "level", cell: (run) => levels(run[8]), text: () => "", choice: (run) => LEVELS.filter((level, place) => run[8][place]), name: (level) => Site.word("levels", level) },
      { title: say("obligations"), cell: (run) => Site.obligations(run[9]), text: (run) => run[9].join(" "), choice: (run) => run[9] },
      { title: say("operator"), cell: (run) => run[5], order: (run) => run[5], choice: (run) => run[5] },
      { title: say("mode"), cell: mode, choice: mode },
    ];
    const first = new Map(chosen && !day ? [["verdict", chosen]] : []);
    return [make("h1", {}, say("runs") + (day ? " · " + day : "")), Site.runsLeft(), Site.table(columns, runs, { first })];
  };

  /* Each shard of the folders is the day of the run, as in runs/. */
  Site.dayOf = (id) => (/^\d{8}T/.test(id) ? id.slice(0, 8) : "other");

  Site.views.run = async function (id) {
    if (!/^[A-Za-z0-9._-]+$/.test(id)) return Site.missing();
    const runs = await Site.loadAll("runs-", Site.main.runParts);
    const run = runs.find((one) => one[0] === id);
    if (!run) return Site.missing();
    const address = "runs/" + Site.dayOf(id) + "/" + id;
    const detail = await Site.load(address);
    const code = (text) => (text ? make("code", {}, text) : null);
    const page = [
      make("h1", {}, id),
      Site.facts([
        [say("verdict"), [verdict(run[4]), " ", detail.reasons.map(both).join("; ")]],
        [say("procedure"), Site.word("procedures", run[1]) + " (" + run[1] + ")"],
        [say("started"), run[2]],
        [say("ended"), run[3]],
        [say("operator"), run[5]],
        [say("mode"), mode(run)],
        [say("obligations"), run[9].length ? Site.obligations(run[9]) : null],
        [say("entry"), Site.evidence([run[10]])],
        [say("reached"), run[7] + " / " + run[6]],
        [say("observations"), levels(run[8])],
        [say("commit"), detail.commit ? [code(detail.commit), detail.dirty ? " " + say("dirty") : ""] : null],
        [say("closure"), code(detail.closure)],
        [say("variables"), code(detail.variables)],
        [say("events"), String(detail.events)],
        [say("change"), detail.change ? Site.link("#/change/" + encodeURIComponent(detail.change), detail.change) : null],
        [say("not_covered"), detail.notCovered.join(", ")],
        [say("files"), detail.files.flatMap(([path, name]) => [Site.fileLink(path, name), " "])],
      ]),
    ];
    page.push(section(say("tasks"), tasks(detail)));
    if (detail.failures.length) page.push(section(say("failures"), failures(detail.failures)));
    page.push(section(say("diffs"), ...diffs(detail)));
    page.push(section(say("observations"), ...observations(detail, address)));
    return page;
  };

  const LOOKS = { o: "ok", c: "notice", f: "critical", i: "warning", u: "critical", s: "plain" };

  /* hosts: [name, outcome, a letter a task, message]; checks of a role's arguments that all went well are folded. */
  function tasks(detail) {
    const folded = detail.tasks.map((task, place) => /(^|: )Validating arguments/.test(task) && detail.hosts.every((host) => !"fiuc".includes(host[2][place])));
    const count = folded.filter(Boolean).length;
    const holder = make("div", {}, tasksTable(detail, folded));
    if (count) {
      const note = make("p", { class: "soft" }, say("tasks_folded", { count }) + " ", make("button", { type: "button", on: { click: () => holder.replaceChildren(tasksTable(detail, [])) } }, say("unfold")));
      holder.prepend(note);
    }
    return holder;
  }

  function tasksTable(detail, folded) {
    const columns = [
      { title: say("host"), look: "host", cell: (host) => host[0], order: (host) => host[0] },
      { title: say("outcome"), cell: (host) => tag(Site.word("outcomes", host[1]), OUTCOME_TONES[host[1]] || "warning"), text: (host) => Site.word("outcomes", host[1]), order: (host) => host[1], choice: (host) => host[1], name: (name) => Site.word("outcomes", name) },
      ...detail.tasks.map((task, place) => ({ title: task.length > 48 ? task.slice(0, 47) + "…" : task, look: "task", cell: (host) => mark(host[2][place], task), text: () => "" })).filter((column, place) => !folded[place]),
    ];
    if (detail.hosts.some((host) => host[3])) columns.push({ title: say("message"), look: "message", cell: (host) => host[3] });
    const legend = make("ul", { class: "legend" }, Object.keys(LOOKS).map((letter) => make("li", {}, mark(letter), " " + Site.word("audit_tasks", letter))));
    return make("div", {}, legend, Site.table(columns, detail.hosts, { label: say("tasks") }));
  }

  const SIGNS = { o: "✓", c: "±", f: "✗", i: "!", u: "⌀", s: "–" };

  function mark(letter, task) {
    if (!SIGNS[letter]) return "";
    const word = Site.word("audit_tasks", letter);
    return make("span", { class: "mark " + LOOKS[letter], title: task ? task + ": " + word : word, role: "img", "aria-label": word }, SIGNS[letter]);
  }

  function failures(found) {
    const columns = [
      { title: say("host"), look: "host", cell: (one) => one[0], order: (one) => one[0], choice: (one) => one[0] },
      { title: say("task"), cell: (one) => one[1], order: (one) => one[1], choice: (one) => one[1] },
      { title: say("outcome"), cell: (one) => mark(one[2]), text: (one) => Site.word("audit_tasks", one[2]) },
      { title: say("message"), cell: (one) => make("pre", {}, one[3]), text: (one) => one[3] },
    ];
    return Site.table(columns, found);
  }

  /* A difference: [host, task, title, lines]; a line begins with +, -, @ or a blank. Opened, it is made. */
  function diffs(detail) {
    if (!detail.diffs.length) return [make("p", {}, say("diffs_none"))];
    const cell = function (one) {
      const box = make("details", { on: { toggle: () => fill() } }, make("summary", {}, one[2] || one[1]));
      function fill() {
        if (box.childElementCount > 1) return;
        const kinds = { "+": "added", "-": "removed", "@": "place" };
        box.append(make("pre", { class: "diff" }, one[3].map((line) => make("span", { class: kinds[line[0]] || null }, line + "\n"))));
      }
      if (detail.diffs.length <= 10) {
        box.open = true;
        fill();
      }
      return box;
    };
    const columns = [
      { title: say("host"), look: "host", cell: (one) => one[0], order: (one) => one[0], choice: (one) => one[0] },
      { title: say("task"), cell: (one) => one[1], order: (one) => one[1], choice: (one) => one[1] },
      { title: say("diffs"), cell, text: (one) => one[2] + "\n" + one[3].join("\n") },
    ];
    const left = detail.diffsLeft ? [make("p", { class: "soft" }, say("diffs_left", { count: detail.diffsLeft }))] : [];
    return [Site.table(columns, detail.diffs), ...left];
  }

  /* An observation: [host, check, subject, result, level, note] */
  function observations(detail, address) {
    const columns = [
      { title: say("level"), cell: (one) => tag(Site.word("levels", one[4]), one[4]), text: (one) => Site.word("levels", one[4]), order: (one) => LEVELS.indexOf(one[4]), choice: (one) => one[4], name: (level) => Site.word("levels", level) },
      { title: say("host"), look: "host", cell: (one) => one[0], order: (one) => one[0], choice: (one) => one[0] },
      { title: say("check"), cell: (one) => Site.word("checks", one[1]) + (one[2] ? " " + one[2] : ""), text: (one) => Site.word("checks", one[1]) + " " + one[1] + " " + one[2], order: (one) => one[1] },
      { title: say("result"), cell: (one) => both(one[3]) },
      { title: say("note"), cell: (one) => both(one[5]) },
    ];
    const holder = make("div");
    let rows = detail.observations;
    let part = 1;
    function draw() {
      holder.replaceChildren(Site.table(columns, rows, { label: say("observations") }));
      if (part > detail.parts) return;
      holder.prepend(make("p", {}, say("observations_part", { loaded: rows.length, total: detail.observed }) + " ", make("button", { type: "button", on: { click: readOn } }, say("observations_more"))));
    }
    async function readOn() {
      const names = [];
      for (; part <= detail.parts; part += 1) names.push(Site.load(address + "-" + part));
      rows = rows.concat(...(await Promise.all(names)));
      draw();
    }
    draw();
    return [holder];
  }
})();
