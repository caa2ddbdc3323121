/* Documents, changes, and every entry of the ledger. */
"use strict";

(function () {
  const { make, say, both, section } = Site;

  /* A document: [number, name, version, steps: [[step, at, who, entry]], files: [[path, name]], period] */
  Site.views.documents = async function () {
    const found = await Site.load("documents");
    const columns = [
      { title: say("number"), cell: (one) => one[0], order: (one) => one[0] },
      { title: say("document"), cell: (one) => both(one[1]), order: (one) => both(one[1]), choice: (one) => both(one[1]) },
      { title: say("version"), cell: (one) => "v" + one[2], look: "number" },
      { title: say("period"), cell: (one) => both(one[5]), choice: (one) => both(one[5]) },
      { title: say("state"), cell: (one) => Site.word("document_steps", one[3].at(-1)[0]), choice: (one) => one[3].at(-1)[0], name: (name) => Site.word("document_steps", name) },
      { title: say("steps"), cell: (one) => make("ol", { class: "plainly" }, one[3].map(step)), text: (one) => one[3].flat().join(" ") },
      { title: say("files"), cell: (one) => files(one[4]), text: (one) => one[4].map((file) => file[1]).join(" ") },
    ];
    return [make("h1", {}, say("documents")), Site.table(columns, found)];
  };

  function step([name, at, who, entry]) {
    return make("li", {}, Site.word("document_steps", name) + " " + at + (who ? " (" + who + ") " : " "), Site.evidence([entry]));
  }

  const files = (list) => make("ul", { class: "plainly" }, list.map(([path, name]) => make("li", {}, Site.fileLink(path, name))));

  const kind = (name) => Site.word("audit_kinds", name);

  /* An entry: [number, kind, time, signer, about, file, body as JSON or null, run or null, corrected by or 0, files,
     null or who vouches since when] */
  function entriesTable(entries) {
    const columns = [
      { title: say("entry"), cell: (one) => Site.link("#/entry/" + one[0], "#" + one[0]), text: (one) => "#" + one[0], order: (one) => one[0], newest: true },
      { title: say("time"), cell: (one) => one[2], order: (one) => one[2], newest: true, look: "time" },
      { title: say("entry_kind"), look: "kind", cell: (one) => kind(one[1]), choice: (one) => one[1], name: kind },
      { title: say("about"), cell: (one) => about(one), text: (one) => both(one[4]) },
      { title: say("signer"), cell: (one) => signer(one), text: (one) => signer(one), choice: (one) => signer(one) },
    ];
    return Site.table(columns, entries);
  }

  /* Who signed, where the key was valid then; else who vouches for the entry, if anybody does. */
  function signer(one) {
    const name = one[3] === null ? say("unsigned") : Site.main.signers[one[3]] || one[3];
    if (one[10] === null) return name;
    return one[10].length ? say("vouched", { by: one[10][0], since: one[10][1] }) : one[3] === null ? name : say("not_believed", { name });
  }

  function about(one) {
    return one[8] ? [make("s", {}, both(one[4])), " ", Site.link("#/entry/" + one[8], say("corrected_by", { entry: one[8] }))] : both(one[4]);
  }

  const allEntries = () => Site.loadAll("entries-", Site.main.entryParts);

  Site.views.entries = async () => [make("h1", {}, say("entries")), entriesTable((await allEntries()).slice().reverse())];

  Site.views.changes = async function () {
    const found = (await allEntries()).filter((one) => /^(change|approval)/.test(one[1]));
    return [make("h1", {}, say("changes")), entriesTable(found)];
  };

  Site.views.entry = async function (number) {
    const place = Number(number);
    const part = Math.floor((place - 1) / Site.main.entriesEach);
    if (!Number.isInteger(place) || part < 0 || part >= Site.main.entryParts) return Site.missing();
    const one = (await Site.load("entries-" + part)).find((entry) => entry[0] === place);
    if (!one) return Site.missing();
    const page = [
      make("h1", {}, say("entry") + " #" + place),
      make("p", {}, Site.link("#/entry/" + (place - 1), "← #" + (place - 1)), " ", Site.link("#/entry/" + (place + 1), "#" + (place + 1) + " →")),
      Site.facts([
        [say("entry_kind"), kind(one[1])],
        [say("time"), one[2]],
        [say("signer"), [signer(one) + " ", one[3] === null ? "" : make("code", {}, one[3])]],
        [say("about"), about(one)],
        [say("run"), one[7] ? Site.link("#/run/" + encodeURIComponent(one[7]), one[7]) : null],
        [say("files"), one[9].length ? files(one[9]) : null],
        [say("entry_file"), [Site.fileLink(one[5], one[5]), " ", one[3] === null ? "" : Site.fileLink(one[5] + ".sig", ".sig")]],
      ]),
    ];
    if (one[6]) page.push(section(say("content"), told(JSON.parse(one[6]), null)));
    return page;
  };

  /* Fields whose values are words of the program or of contracts, and the table that has them. */
  const WORDED = { event: "audit_events", duty: "duties", organisation: "audit_organisations", verdict: "states" };

  /* Any value of JSON, as a list of names and values. */
  function told(value, field) {
    if (value === null || value === "") return make("span", { class: "soft" }, say("dash"));
    if (typeof value !== "object") return make("span", { class: "text", title: String(value) }, Object.hasOwn(WORDED, field) ? Site.word(WORDED[field], value) : String(value));
    const pairs = Array.isArray(value) ? value.map((one, place) => [String(place + 1), one]) : Object.entries(value);
    if (!pairs.length) return make("span", { class: "soft" }, say("dash"));
    return make("dl", { class: "facts inner" }, pairs.flatMap(([name, one]) => [make("dt", { title: name }, Array.isArray(value) ? name : Site.word("audit_fields", name)), make("dd", {}, told(one, name))]));
  }
})();
