// The portal's other side: things to try, faults, REST calls as they happen.

import { onlyRead, render } from "./bbcode.js";
import { h, icon, of, reconcile, toast } from "./dom.js";
import * as feed from "./feed.js";
import { avatar } from "./people.js";
import { language, time, words } from "./words.js";

const ANNA = 15;
const BUSY = { status: 503, code: "QUERY_LIMIT_EXCEEDED", description: "Too many requests" };
const [FINISHED, OPERATOR] = [60, 40];

// Each goes into the text box; `command` has to be registered for it to be offered.
function ideas() {
  const at = (id) => `[USER=${id}]${feed.name(id)}[/USER]`;
  return [
    { label: words.try_invite, command: "invite", text: `/invite ${at(ANNA)}`, lines: true },
    { label: words.try_dismissed, command: "invite", text: `/invite ${at(33)}`, lines: true },
    { label: words.try_same_name, command: "invite", text: `/invite @${feed.name(12)}`, lines: true },
    { label: words.try_remove, command: "remove", text: `/remove ${at(ANNA)}`, lines: true },
    { label: words.try_undo, command: "undo", text: "/undo", lines: true },
    { label: words.try_escalate, command: "escalate", text: "/escalate deal 288", lines: true },
    { label: words.try_group, command: "group", text: `/group 15 ${at(12)}`, lines: true },
    { label: words.try_who, command: "who", text: "/who", lines: true },
    { label: words.try_help, command: "help", text: "/help", lines: false },
  ];
}

export function showIdeas(list, insert) {
  of(list, "ideas");
  const known = new Set(feed.commands().map((one) => one.name));
  const rows = ideas().filter((idea) => known.has(idea.command));
  reconcile(list, rows, (row) => row.label, (row) => h("li", {},
    h("button", { type: "button", class: "idea", title: shown(row.text), onclick: () => insert(row) },
      row.label)));
}

function shown(text) {
  return text.replace(/\[USER=\d+\](.*?)\[\/USER\]/g, "@$1");
}

// The faults: [name, whether it is on, what to post]. The last one mends them all.
function faultButtons(chat, me) {
  const now = feed.faults();
  const anna = feed.person(ANNA);
  const line = chat?.kind === "lines" ? chat : undefined;
  return [
    ["expired", false, [{ tokens: "expired" }]],
    ["none", now.tokens === "none", [{ events: { tokens: "none" } }, { tokens: "revoked", user_id: me }]],
    ["slow", now.slow, [{ method: "*", times: null, delay: 5 }]],
    ["busy", now.busy, [{ method: "*", times: 3, error: BUSY }]],
    ["dismissed", anna && !anna.active, [{ user: { id: ANNA, active: false } }]],
    ["finished", line?.finished, line && [{ chat: { id: line.id, status: FINISHED } }]],
    ["well", false, [{ clear: true }, { events: { language } }, { user: { id: ANNA, active: true } },
      ...(line?.finished ? [{ chat: { id: line.id, status: OPERATOR } }] : [])]],
  ];
}

export function showFaults(list, chat, me) {
  of(list, "faults");
  const rows = faultButtons(chat, me).map(([name, on, acts]) => ({ name, on: Boolean(on), acts: acts || null }));
  reconcile(list, rows, (row) => row.name, (row) => h("li", {}, h("button", {
    type: "button", class: `fault ${row.name}`, disabled: !row.acts,
    "aria-pressed": row.name === "well" || row.name === "expired" ? null : String(row.on),
    onclick: () => spoil(row),
  }, words[`fault_${row.name}`])));
}

async function spoil(row) {
  for (const act of row.acts) {
    const answer = await feed.post("faults", act);
    if (!answer.ok) { toast(`${words.refused}: ${answer.error}`, { kind: "bad" }); return; }
  }
  toast(words[`fault_${row.name}_done`]);
}

// The tab that an app has bound in the cards of records of a kind, for one record.
export function tabOf(placement, id) {
  const tab = feed.portal().tabs.find((one) => one.placement === placement);
  return tab && /^\d+$/.test(id) ? { ...tab, id: Number(id) } : null;
}

export function showTabs(section, chat, open) {
  const rows = (chat?.bindings || []).flatMap(([kind, id]) => {
    const tab = tabOf(`CRM_${kind}_DETAIL_TAB`, id);
    return tab ? [{ ...tab, label: `${words[kind.toLowerCase()]} ${id}: ${tab.title}` }] : [];
  });
  section.hidden = !rows.length;
  const list = section.querySelector("ul");
  of(list, "tabs");
  reconcile(list, rows, (row) => row.label, (row) => h("li", {},
    h("button", { type: "button", class: "idea", onclick: () => open(row) }, row.label)));
}

const LEVELS = ["any", "department", "self", "none"];

// Whose chats one's role lets one look through, which decides whom one may bring in.
export function showRole(section, chat, me) {
  const one = feed.person(me);
  const [select, queue] = [section.querySelector("select"), section.querySelector("p")];
  if (!select.options.length) {
    select.append(...LEVELS.map((level) => h("option", { value: level }, words[`history_${level}`])));
  }
  select.value = one?.admin ? "any" : one?.history || "";
  select.disabled = !one || one.admin;
  select.onchange = () => changeRole(me, select.value);
  queue.hidden = chat?.kind !== "lines";
  queue.textContent = queue.hidden ? "" : words.queue(chat.queue.map(feed.name).join(", "));
}

async function changeRole(me, level) {
  const answer = await feed.post("faults", { user: { id: me, history: level } });
  if (answer.ok) toast(words.role_done);
  else toast(`${words.refused}: ${answer.error}`, { kind: "bad" });
}

// What people have left in the CRM timeline of the chat's items.
export function showTimeline(section, chat) {
  const list = section.querySelector("ul");
  const rows = chat?.bindings ? feed.comments(chat) : [];
  section.hidden = !rows.length;
  of(list, chat ? chat.id : "none");
  const at = onlyRead(feed.name);
  reconcile(list, rows, (row) => row.id, (row) => h("li", {}, avatar(row.by, "small"),
    h("div", {}, h("b", {}, feed.name(row.by)),
      h("small", {}, `${words[row.entity_type.toLowerCase()]} ${row.entity_id} · ${time(row.at)}`),
      h("div", { class: "words" }, render(row.text, at)))));
}

let cleared = 0;

export function clearTraffic() {
  cleared = Math.max(0, ...feed.traffic().map((row) => row.id));
}

export function showTraffic(list) {
  of(list, "traffic");
  const down = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const rows = feed.traffic().filter((row) => row.id > cleared);
  const inner = new Map();
  for (const row of rows) {
    if (row.within) inner.set(row.within, [...(inner.get(row.within) || []), row]);
  }
  const outer = rows.filter((row) => !row.within || !rows.some((other) => other.id === row.within))
    .map((row) => ({ ...row, inner: inner.get(row.id) || [], owner: feed.name(row.user) }));
  reconcile(list, outer, (row) => row.id, (row) => (row.event ? eventRow(row) : callRow(row)));
  if (down) list.scrollTop = list.scrollHeight;
  document.getElementById("no-calls").hidden = outer.length > 0;
}

function eventRow(row) {
  return h("li", { class: "event" }, h("span", { class: "method" }, icon("event"), row.event),
    outcome(row), h("small", { class: "token" }, words.event_to_bot));
}

function callRow(row) {
  return h("li", { class: row.error || row.fault ? "call bad" : "call" },
    h("details", { open: row.inner.length > 0 },
      h("summary", {}, h("span", { class: "method" }, row.method), outcome(row),
        token(row), h("small", { class: "ms" }, `${row.status === null ? "" : rounded(row.ms)}`)),
      row.inner.length
        ? h("ul", { class: "inner", "aria-label": words.inner(row.inner.length) }, row.inner.map(callRow1))
        : told(row)));
}

function callRow1(row) {
  return callRow({ ...row, inner: [] });
}

function told(row) {
  return h("dl", {}, h("dt", {}, words.params), h("dd", {}, h("code", {}, row.params)),
    row.answer && h("dt", {}, words.answer), row.answer && h("dd", {}, h("code", {}, row.answer)));
}

function outcome(row) {
  if (row.status === null) {
    const lost = row.fault === "drop" || row.error;
    return h("span", { class: "status wait" }, lost ? words.lost : words.running);
  }
  const good = row.status < 300 && !row.error;
  const code = row.error || (row.error === "" ? "«»" : row.status);
  return h("span", { class: good ? "status good" : "status bad" }, String(good ? row.status : code));
}

function token(row) {
  if (!row.auth) return h("small", { class: "token" }, words.token_none);
  const who = feed.name(row.user);
  const told = row.auth === "app" ? words.token_app(who) : words.token_of(who);
  return h("small", { class: "token" }, avatar(row.user, "tiny"), told);
}

function rounded(ms) {
  if (ms < 0.1) return `<0.1 ${words.ms}`;
  return `${ms >= 10 ? Math.round(ms) : ms.toFixed(1)} ${words.ms}`;
}
