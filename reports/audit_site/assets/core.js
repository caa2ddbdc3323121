/* The heart of the site: data by script tags, words in two languages, elements without markup, pages by the address.
   Evidence is hostile: nothing here ever reads text as HTML. */
"use strict";

const Site = { views: {}, main: null, words: null };

(function () {
  const LANGUAGES = ["zh", "en"];
  const waiting = new Map();
  let turn = 0;

  /* -- data: each file calls Site.take(name, value); what was loaded stays. */

  Site.take = function (name, value) {
    const found = waiting.get(name);
    if (found) found.resolve(value);
  };

  Site.load = function (name) {
    let found = waiting.get(name);
    if (!found) {
      found = {};
      found.promise = new Promise(function (resolve, reject) {
        found.resolve = resolve;
        const script = document.createElement("script");
        script.src = "site/data/" + name + ".js";
        script.onerror = function () {
          waiting.delete(name);
          reject(new Error(Site.say("not_read", { file: script.getAttribute("src") })));
        };
        /* A file that was read and delivered nothing is damaged; after a delivery this changes nothing. */
        script.onload = function () {
          reject(new Error(Site.say("not_read", { file: script.getAttribute("src") })));
        };
        document.head.append(script);
      });
      waiting.set(name, found);
    }
    return found.promise;
  };

  Site.loadAll = function (prefix, count) {
    const parts = [];
    for (let number = 0; number < count; number += 1) parts.push(Site.load(prefix + number));
    return Promise.all(parts).then((found) => found.flat());
  };

  /* -- words: a text is a string, or [zh, en]. */

  Site.place = 0;

  Site.both = function (text) {
    return Array.isArray(text) ? text[Site.place] : text;
  };

  Site.fill = function (text, values) {
    return String(text).replace(/\{(\w+)\}/g, (whole, key) => (values && key in values ? String(values[key]) : whole));
  };

  Site.word = function (table, key) {
    const words = Site.words && Site.words[table];
    return words && Object.hasOwn(words, key) ? Site.both(words[key]) : String(key);
  };

  Site.say = function (key, values) {
    return Site.fill(Site.word("audit", key), values);
  };

  function chosenLanguage() {
    let kept = null;
    try {
      kept = localStorage.getItem("weibao-language");
    } catch (error) {
      kept = null;
    }
    if (LANGUAGES.includes(kept)) return kept;
    return (navigator.language || "zh").toLowerCase().startsWith("en") ? "en" : "zh";
  }

  Site.switchTo = function (language) {
    Site.place = LANGUAGES.indexOf(language);
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    try {
      localStorage.setItem("weibao-language", language);
    } catch (error) {
      /* Without storage the choice holds until the page is closed. */
    }
    frame();
    return Site.show();
  };

  /* -- elements: make("a", {href: "#/runs"}, "text", child) */

  Site.make = function (tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "on") for (const [name, act] of Object.entries(value)) node.addEventListener(name, act);
      else node.setAttribute(key, value === true ? "" : String(value));
    }
    node.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== ""));
    return node;
  };

  Site.tag = (text, tone) => Site.make("span", { class: "tag " + (tone || "plain") }, text);

  Site.facts = function (pairs) {
    const list = Site.make("dl", { class: "facts" });
    for (const [name, value] of pairs) {
      if (value === null || value === undefined || value === "") continue;
      list.append(Site.make("dt", {}, name), Site.make("dd", {}, ...[value].flat()));
    }
    return list;
  };

  Site.section = (title, ...children) => Site.make("section", {}, Site.make("h2", {}, title), ...children);

  Site.link = (address, text) => Site.make("a", { href: address }, text);

  /* A file of the pack; the name is only what people read. */
  Site.fileLink = function (path, name) {
    if (!path) return Site.make("span", { class: "soft" }, name + " (" + Site.say("not_in_pack") + ")");
    return Site.make("a", { href: encodeURI(path), target: "_blank", rel: "noreferrer" }, name);
  };

  /* Entries of the ledger by number. */
  Site.evidence = function (numbers) {
    const nodes = [];
    for (const number of numbers.slice(0, 12)) nodes.push(Site.link("#/entry/" + number, "#" + number), " ");
    if (numbers.length > 12) nodes.push("… (" + numbers.length + ")");
    return nodes;
  };

  /* -- the frame, and pages by what stands after # */

  const PAGES = ["overview", "compliance", "calendar", "runs", "changes", "documents", "entries"];

  function frame() {
    document.title = Site.say("title") + " · " + Site.main.site;
    const put = (id, text) => { document.getElementById(id).textContent = text; };
    put("skip", Site.say("skip"));
    put("title", Site.say("title"));
    put("site-name", Site.main.contract || Site.main.site);
    put("print", Site.say("print"));
    put("language", Site.say("language"));
    document.getElementById("language").setAttribute("aria-label", Site.say("language_hint"));
    const menu = document.getElementById("menu");
    menu.setAttribute("aria-label", Site.say("menu"));
    const pages = PAGES.filter((page) => page !== "changes" || Site.main.changes);
    menu.replaceChildren(...pages.map((page) => Site.make("a", { href: "#/" + page, id: "menu-" + page }, Site.say(page))));
    put("foot", Site.say("head") + " " + Site.main.head.printed + " · " + Site.say("zone", { zone: Site.main.zone }));
  }

  function address() {
    const parts = location.hash.replace(/^#\/?/, "").split("/");
    const decoded = parts.map(function (part) {
      try {
        return decodeURIComponent(part);
      } catch (error) {
        return part;
      }
    });
    return Object.hasOwn(Site.views, decoded[0]) ? decoded : decoded[0] ? ["missing"] : ["overview"];
  }

  const UNDER = { obligation: "compliance", run: "runs", change: "changes", entry: "entries" };

  Site.show = async function () {
    const mine = (turn += 1);
    const [name, ...rest] = address();
    const main = document.getElementById("main");
    for (const one of document.querySelectorAll("nav a")) {
      const here = one.id === "menu-" + (UNDER[name] || name);
      if (here) one.setAttribute("aria-current", "page");
      else one.removeAttribute("aria-current");
    }
    main.setAttribute("aria-busy", "true");
    let page;
    try {
      page = name === "missing" ? Site.missing() : await Site.views[name](rest.join("/"));
    } catch (error) {
      page = [Site.make("h1", {}, Site.say("title")), Site.make("p", { class: "problem", role: "alert" }, error.message)];
    }
    if (mine !== turn) return;
    main.replaceChildren(...[page].flat());
    main.removeAttribute("aria-busy");
    main.dataset.page = location.hash || "#/overview";
    main.dataset.language = LANGUAGES[Site.place];
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  };

  Site.missing = () => [Site.make("h1", {}, Site.say("not_there")), Site.make("p", {}, Site.link("#/overview", Site.say("overview")))];

  Site.start = async function () {
    [Site.words, Site.main] = await Promise.all([Site.load("words"), Site.load("main")]);
    document.getElementById("print").addEventListener("click", () => window.print());
    document.getElementById("language").addEventListener("click", () => Site.switchTo(LANGUAGES[1 - Site.place]));
    document.getElementById("skip").addEventListener("click", function (event) {
      event.preventDefault();
      document.getElementById("main").focus();
    });
    document.addEventListener("keydown", function (event) {
      const field = document.querySelector("main input[type=search]");
      if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || !field) return;
      if (["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
      event.preventDefault();
      field.focus();
    });
    window.addEventListener("hashchange", () => Site.show());
    await Site.switchTo(chosenLanguage());
  };
})();
