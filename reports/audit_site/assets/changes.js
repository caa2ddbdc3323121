/* Changes, and each with what was asked for, who approved and watched it, what was refused, done, verified. */
"use strict";

(function () {
  const { make, say, both, tag, section } = Site;

  const STATE_TONES = { requested: "unknown", approved: "notice", rejected: "critical", withdrawn: "plain", expired: "warning", running: "notice", executed: "unknown", verified: "ok", "verified failed": "critical", closed: "ok", "closed failed": "critical" };
  const OUTCOME_TONES = { done: "ok", paused: "warning", "window closed": "warning", running: "notice" };
  const ASSURANCE_TONES = { signature: "ok", paper: "notice", word: "warning" };
  const DECISION_TONES = { approved: "ok", rejected: "critical", withdrawn: "warning" };

  const TEXTS = { content: "text_content", reason: "text_reason", risk: "text_risk", impact: "text_impact", backup: "text_backup", rollback: "text_rollback" };
  const CHECKS = { passed: ["check_passed", "ok"], failed: ["check_failed", "critical"], unknown: ["check_unknown", "unknown"] };

  const state = (name) => tag(Site.word("change_states", name), STATE_TONES[name]);
  const outcome = (name) => (name ? tag(Site.word("change_outcomes", name), OUTCOME_TONES[name] || "critical") : "");
  const became = (one) => [outcome(one[9]), one[13] ? " " : "", one[13] ? tag(say("not_done", { count: one[13] }), "warning") : ""];
  const assurance = (name) => tag(Site.word("change_assurances", name), ASSURANCE_TONES[name]);
  const procedure = (name) => Site.word("procedures", name);
  const reasons = (list) => make("ul", { class: "plainly" }, list.map((one) => make("li", {}, both(one))));

  /* A change: [number, state, procedure, hosts, window from, to, requester, approvals: [[by, assurance]], needed,
     outcome, emergency, entry, content, hosts that are not known to be done] */
  function approvals(one) {
    if (!one[7].length) return tag(say("approvals_none"), "warning");
    return one[7].flatMap(([by, how]) => [by + " ", assurance(how), " "]);
  }

  Site.views.changes = async function () {
    const found = await Site.load("changes");
    const columns = [
      { title: say("change"), cell: (one) => Site.link("#/change/" + encodeURIComponent(one[0]), one[0]), text: (one) => one[0], order: (one) => one[0] },
      { title: say("state"), cell: (one) => [state(one[1]), one[10] ? " " : "", one[10] ? tag(say("emergency"), "warning") : ""], text: (one) => Site.word("change_states", one[1]), order: (one) => one[1], choice: (one) => one[1], name: (name) => Site.word("change_states", name) },
      { title: say("window"), look: "time", cell: (one) => one[4] + " – " + one[5], order: (one) => one[4], newest: true },
      { title: say("procedure"), cell: (one) => procedure(one[2]), text: (one) => one[2] + " " + procedure(one[2]), order: (one) => one[2], choice: (one) => one[2], name: procedure },
      { title: say("hosts"), cell: (one) => hosts(one[3]), text: (one) => one[3].join(" "), choice: (one) => one[3] },
      { title: say("requester"), cell: (one) => one[6], order: (one) => one[6], choice: (one) => one[6] },
      { title: say("approvals"), cell: (one) => approvals(one), text: (one) => one[7].map(([by, how]) => by + " " + Site.word("change_assurances", how)).join(" "), choice: (one) => one[7].map((pair) => pair[1]), name: (name) => Site.word("change_assurances", name) },
      { title: say("outcome"), cell: became, text: (one) => Site.word("change_outcomes", one[9]), choice: (one) => one[9], name: (name) => Site.word("change_outcomes", name) },
      { title: say("content_of_change"), cell: (one) => one[12] },
    ];
    return [make("h1", {}, say("changes")), make("p", { class: "soft" }, say("changes_note")), Site.table(columns, found)];
  };

  function hosts(names) {
    return names.length > 6 ? names.slice(0, 6).join(", ") + " … (" + names.length + ")" : names.join(", ");
  }

  Site.views.change = async function (number) {
    const all = await Site.load("changes");
    const place = all.findIndex((one) => one[0] === number);
    if (place < 0) return Site.missing();
    const one = all[place];
    const detail = await Site.load("changes/" + place);
    const code = (text) => (text ? make("code", {}, text) : null);
    const page = [
      make("h1", {}, say("change") + " " + one[0]),
      Site.facts([
        [say("state"), [state(one[1]), one[10] ? " " : "", one[10] ? tag(say("emergency"), "warning") : ""]],
        [say("outcome"), one[9] ? became(one) : null],
        [say("requester"), one[6] + " · " + detail.requested],
        [say("case"), detail.case],
        [say("procedure"), procedure(one[2]) + " (" + one[2] + ")"],
        [say("hosts"), one[3].join(", ")],
        [say("window"), one[4] + " – " + one[5] + " · " + say("reserve", { minutes: detail.reserve })],
        [say("supervisor"), detail.supervisor],
        [say("mode"), say(detail.automatic ? "starts_automatic" : "starts_manual")],
        [say("entry"), Site.evidence([one[11]])],
      ]),
      section(say("request"), Site.facts(Object.entries(detail.texts).map(([key, text]) => [say(TEXTS[key]), text ? make("span", { class: "text" }, text) : null])), plan(detail)),
      section(say("covered"), Site.facts([
        [say("digest"), code(detail.digest)],
        [say("closure"), code(detail.closure)],
        [say("core"), detail.core],
        [say("variables_of_change"), Object.keys(detail.variables).length ? make("pre", {}, JSON.stringify(detail.variables, null, 1)) : null],
        [say("preview"), detail.preview ? runLink(detail.preview) : null],
      ]), detail.feasibility.length ? feasibility(detail.feasibility) : ""),
      section(say("approvals"), make("p", {}, say("approvals_needed", { needed: one[8], given: one[7].length })), detail.decisions.length ? decisions(detail.decisions) : ""),
      section(say("attendance"), detail.attendance.length ? attendance(detail.attendance) : make("p", {}, say("attendance_none"))),
    ];
    if (detail.refusals.length) page.push(section(say("refusals"), refusals(detail.refusals)));
    page.push(section(say("executions"), detail.executions.length ? executions(detail.executions) : make("p", {}, say("executions_none"))));
    if (detail.verifications.length) page.push(section(say("verifications"), verifications(detail.verifications)));
    if (detail.closing) page.push(section(say("closing"), make("p", {}, detail.closing[0] + " ", detail.closing[2] + " ", Site.evidence([detail.closing[3]]))));
    if (detail.documents.length) page.push(section(say("documents"), documents(detail.documents)));
    page.push(section(say("entries"), await Site.entriesOf(detail.entries)));
    return page;
  };

  const runLink = (id) => Site.link("#/run/" + encodeURIComponent(id), id);

  function plan(detail) {
    const columns = [
      { title: say("step"), cell: (one) => one[0] },
      { title: say("minutes"), cell: (one) => (one[1] === null ? say("dash") : String(one[1])), look: "number" },
    ];
    const batches = make("p", {}, say("batches_of", { sizes: detail.batches.join(" → ") }));
    return make("div", {}, Site.table(columns, detail.plan, { label: say("step") }), batches);
  }

  function feasibility(found) {
    const columns = [
      { title: say("check"), cell: (one) => both(one[0]) },
      { title: say("result"), cell: (one) => tag(say(CHECKS[one[1]][0]), CHECKS[one[1]][1]), text: (one) => say(CHECKS[one[1]][0]) },
      { title: say("note"), cell: (one) => both(one[2]) },
    ];
    return Site.table(columns, found);
  }

  /* What assures an entry: how, who vouches for the papers, the papers */
  function proof(how, vouchedBy, papers) {
    return [assurance(how), vouchedBy ? " " + say("vouched_for", { by: vouchedBy }) : "", papers.length ? Site.files(papers) : ""];
  }

  /* A decision: [decision, by, at, assurance, vouched by, papers, reason, entry, doubts, stale] */
  function decisions(found) {
    const counted = (one) => (one[8].length || one[9] ? "critical" : DECISION_TONES[one[0]]);
    const word = (one) => Site.word("change_decisions", one[0]);
    const columns = [
      { title: say("decision"), cell: (one) => [tag(word(one), counted(one)), one[8].length || one[9] ? make("div", {}, say("not_counted")) : "", one[8].length ? reasons(one[8]) : ""], text: word },
      { title: say("person"), cell: (one) => one[1] },
      { title: say("when"), cell: (one) => one[2], look: "time" },
      { title: say("assured"), cell: (one) => (one[0] === "withdrawn" ? "" : proof(one[3], one[4], one[5])), text: (one) => one[4] + " " + one[5].map((file) => file[1]).join(" ") },
      { title: say("reason"), cell: (one) => one[6] },
      { title: say("entry"), cell: (one) => Site.evidence([one[7]]), text: (one) => "#" + one[7] },
    ];
    return Site.table(columns, found);
  }

  /* A presence: [who, since, until, assurance, vouched by, papers, entries, doubts] */
  function attendance(found) {
    const columns = [
      { title: say("person"), cell: (one) => one[0] },
      { title: say("signed_in"), cell: (one) => one[1], look: "time" },
      { title: say("signed_out"), cell: (one) => one[2] || say("dash"), look: "time" },
      { title: say("assured"), cell: (one) => [...proof(one[3], one[4], one[5]), one[7].length ? make("div", {}, say("not_counted"), reasons(one[7])) : ""], text: (one) => one[4] },
      { title: say("entry"), cell: (one) => Site.evidence(one[6]), text: (one) => one[6].map((number) => "#" + number).join(" ") },
    ];
    return Site.table(columns, found);
  }

  /* A refusal: [when, attempt, operator, reasons, entry, who was to decide] */
  function refusals(found) {
    const columns = [
      { title: say("when"), cell: (one) => one[0], look: "time" },
      { title: say("attempt"), cell: (one) => Site.word("change_attempts", one[1]) },
      { title: say("person"), cell: (one) => one[5] },
      { title: say("operator"), cell: (one) => one[2] },
      { title: say("reason"), cell: (one) => reasons(one[3]), text: (one) => one[3].map(both).join(" ") },
      { title: say("entry"), cell: (one) => Site.evidence([one[4]]), text: (one) => "#" + one[4] },
    ];
    return Site.table(columns, found);
  }

  /* An execution: [run, started, ended, outcome, [[end, hosts]], operator, entries] */
  function executions(found) {
    const ends = (one) => make("ul", { class: "plainly" }, one[4].map(([end, names]) => make("li", {}, Site.word("change_ends", end) + " " + names.join(", "))));
    const columns = [
      { title: say("run"), cell: (one) => runLink(one[0]), text: (one) => one[0] },
      { title: say("started"), cell: (one) => one[1], look: "time" },
      { title: say("ended"), cell: (one) => one[2] || say("dash"), look: "time" },
      { title: say("outcome"), cell: (one) => outcome(one[3]), text: (one) => Site.word("change_outcomes", one[3]) },
      { title: say("hosts"), cell: (one) => ends(one), text: (one) => one[4].flat(2).join(" ") },
      { title: say("operator"), cell: (one) => one[5] },
      { title: say("entry"), cell: (one) => Site.evidence(one[6]), text: (one) => one[6].map((number) => "#" + number).join(" ") },
    ];
    return Site.table(columns, found);
  }

  /* A verification: [at, who, passed, text, assurance, vouched by, papers, entry, doubts] */
  function verifications(found) {
    const word = (one) => say(one[2] ? "check_passed" : "check_failed");
    const columns = [
      { title: say("result"), cell: (one) => [tag(word(one), one[2] && !one[8].length ? "ok" : "critical"), one[8].length ? make("div", {}, say("not_counted"), reasons(one[8])) : ""], text: word },
      { title: say("person"), cell: (one) => one[1] },
      { title: say("when"), cell: (one) => one[0], look: "time" },
      { title: say("assured"), cell: (one) => proof(one[4], one[5], one[6]), text: (one) => one[5] },
      { title: say("note"), cell: (one) => one[3] },
      { title: say("entry"), cell: (one) => Site.evidence([one[7]]), text: (one) => "#" + one[7] },
    ];
    return Site.table(columns, found);
  }

  /* A document, as the page of documents has it. */
  function documents(found) {
    const columns = [
      { title: say("document"), cell: (one) => both(one[1]) },
      { title: say("number"), cell: (one) => one[0] + " v" + one[2] },
      { title: say("state"), cell: (one) => Site.word("document_steps", one[3].at(-1)[0]) },
      { title: say("files"), cell: (one) => Site.files(one[4]), text: (one) => one[4].map((file) => file[1]).join(" ") },
    ];
    return Site.table(columns, found);
  }
})();
