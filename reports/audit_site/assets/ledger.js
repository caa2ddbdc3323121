/* Documents, changes, and every entry of the ledger. */
"use strict";

(function () {
  const { make, say, both, section } = Site;
  const holder = (name) => Site.word("audit_holders", name);

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

  Site.entriesOf = async function (numbers) {
    const wanted = new Set(numbers);
    return entriesTable((await allEntries()).filter((one) => wanted.has(one[0])));
  };

  /* The change that an entry is a step of. */
  function changeOf(one) {
    const number = one[1] === "change" && one[6] ? JSON.parse(one[6]).change : null;
    return number ? Site.link("#/change/" + encodeURIComponent(number), number) : null;
  }

  const files = Site.files = (list) => make("ul", { class: "plainly" }, list.map(([path, name]) => make("li", {}, Site.fileLink(path, name))));

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
    const name = one[3] === null ? say("unsigned") : holder(Site.main.signers[one[3]] || one[3]);
    if (one[10] === null) return name;
    return one[10].length ? say("vouched", { by: holder(one[10][0]), since: one[10][1] }) : one[3] === null ? name : say("not_believed", { name });
  }

  function about(one) {
    return one[8] ? [make("s", {}, both(one[4])), " ", Site.link("#/entry/" + one[8], say("corrected_by", { entry: one[8] }))] : both(one[4]);
  }

  const allEntries = () => Site.loadAll("entries-", Site.main.entryParts);

  Site.views.entries = async () => [make("h1", {}, say("entries")), entriesTable((await allEntries()).slice().reverse())];

  async function entryAt(place) {
    const part = Math.floor((place - 1) / Site.main.entriesEach);
    if (!Number.isInteger(place) || part < 0 || part >= Site.main.entryParts) return null;
    return (await Site.load("entries-" + part)).find((entry) => entry[0] === place) || null;
  }

  /* The nearest entry before or after one: the first has none before it, and a damaged ledger may have gaps. */
  async function beside(place, step) {
    for (let next = place + step; next >= 1 && next <= Site.main.head.sequence; next += step) if (await entryAt(next)) return next;
    return 0;
  }

  Site.views.entry = async function (number) {
    const place = Number(number);
    const one = await entryAt(place);
    if (!one) return Site.missing();
    const [before, after] = [await beside(place, -1), await beside(place, 1)];
    const page = [
      make("h1", {}, say("entry") + " #" + place),
      make("p", {}, before ? Site.link("#/entry/" + before, "← #" + before) : "", " ", after ? Site.link("#/entry/" + after, "#" + after + " →") : ""),
      Site.facts([
        [say("entry_kind"), kind(one[1])],
        [say("time"), one[2]],
        [say("signer"), [signer(one) + " ", one[3] === null ? "" : make("code", {}, one[3])]],
        [say("about"), about(one)],
        [say("run"), one[7] ? Site.link("#/run/" + encodeURIComponent(one[7]), one[7]) : null],
        [say("change"), changeOf(one)],
        [say("files"), one[9].length ? files(one[9]) : null],
        [say("entry_file"), [Site.fileLink(one[5], one[5]), " ", one[3] === null ? "" : Site.fileLink(one[5] + ".sig", ".sig")]],
      ]),
    ];
    if (one[6]) page.push(section(say("content"), make("p", { class: "soft" }, say("content_note")), told(JSON.parse(one[6]), null)));
    return page;
  };

  /* Fields whose values are words of the program or of contracts, and the tables that have them. */
  const WORDED = { event: ["audit_events"], attempt: ["change_attempts"], duty: ["duties"], organisation: ["audit_organisations"], verdict: ["states"], step: ["audit_keys", "document_steps"], holder: ["audit_holders"], document: ["documents"], procedure: ["procedures"], period: ["period_names"], kind: ["audit_words"], words: ["audit_words"] };

  /* Fields that contracts fill with names and values of their own. */
  const OWN = ["attributes", "quantities"];

  const empty = (value) => value === null || value === "" || (typeof value === "object" && !Object.keys(value).length);

  function worded(value, field) {
    const table = (Object.hasOwn(WORDED, field) ? WORDED[field] : []).find((one) => Object.hasOwn(Site.words[one], value));
    return table ? Site.word(table, value) : String(value);
  }

  /* Any value of JSON, as a list of names and values; ``kind`` is that of the entry's case: what happens in one has
     words of its own, as a fault is reported otherwise than an incident. */
  function told(value, field, kind) {
    if (empty(value)) return make("span", { class: "soft" }, say("dash"));
    if (typeof value === "boolean") return value ? say("flag_true") : say("flag_false");
    if (field === "corrects") return Site.evidence([value]);
    if (typeof value !== "object") {
      const own = kind + " " + value;
      const known = field === "event" && Object.hasOwn(Site.words.audit_events, own);
      return make("span", { class: "text", title: String(value) }, worded(known ? own : value, field));
    }
    const list = Array.isArray(value);
    const own = OWN.includes(field);
    const pairs = list ? value.map((one, place) => [String(place + 1), one]) : Object.entries(value).filter(([, one]) => !empty(one));
    const named = (name) => (list ? name : own ? worded(name, "words") : Site.word("audit_fields", name));
    const within = value.case ? value.case.kind : kind;
    return make("dl", { class: "facts inner" }, pairs.flatMap(([name, one]) => [make("dt", { title: name }, named(name)), make("dd", {}, told(one, own ? "words" : list ? field : name, within))]));
  }
})();
