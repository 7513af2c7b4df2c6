// People: their faces, their names in lists, who is in a chat.

import { h, icon, of, reconcile } from "./dom.js";
import * as feed from "./feed.js";
import { words } from "./words.js";

const COLOURS = 10;

export function avatar(id, extra = "") {
  const who = feed.person(id);
  const kind = who?.kind || "system";
  const face = h("span", { class: `avatar c${id % COLOURS} ${kind} ${extra}`, "aria-hidden": "true" });
  if (kind === "bot") face.append(icon("bot"));
  else if (kind === "system") face.append(icon("info"));
  else face.append(initials(who.name));
  return face;
}

export function initials(name) {
  const letters = name.split(/\s+/).filter(Boolean).map((word) => [...word][0]);
  return letters.slice(0, 2).join("").toUpperCase();
}

export function about(one) {
  const told = [one.position, ...one.departments].filter(Boolean);
  return told.filter((word, index) => told.indexOf(word) === index).join(" · ");
}

export function tag(one, operator) {
  if (one.kind === "connector") return words.customer;
  if (one.kind === "bot") return words.bot;
  if (!one.active) return words.dismissed;
  if (one.kind === "extranet") return words.external;
  return one.id === operator ? words.operator : "";
}

export function personRow(one) {
  const label = tag(one, null);
  return [
    avatar(one.id, "small"),
    h("span", { class: "who" }, h("b", {}, one.name), h("small", {}, about(one))),
    label && h("span", { class: "tag" }, label),
  ];
}

export function memberList(list, chat) {
  of(list, chat.id);
  const rows = chat.members.map((id) => feed.person(id)).filter(Boolean).map((one) => ({
    id: one.id, name: one.name, about: about(one), tag: tag(one, chat.operator), active: one.active,
  }));
  reconcile(list, rows, (row) => row.id, (row) => h("li", { class: row.active ? "" : "gone" },
    avatar(row.id, "small"),
    h("span", { class: "who" }, h("b", { title: row.name }, row.name), h("small", { title: row.about }, row.about)),
    row.tag && h("span", { class: "tag" }, row.tag)));
}

// The switch for whom one is.
export function fillSwitch(select, me) {
  const groups = [
    [words.employees, feed.people().filter((one) => one.kind === "employee")],
    [words.outsiders, feed.people().filter((one) => one.kind === "extranet")],
  ];
  const look = JSON.stringify(groups);
  if (select.dataset.look !== look) {
    select.dataset.look = look;
    select.replaceChildren(...groups.map(([label, people]) => h("optgroup", { label }, people.map((one) => {
      const job = one.active ? one.position || words.external : words.dismissed;
      const told = job.toLowerCase() === one.name.toLowerCase() ? one.name : `${one.name} — ${job.toLowerCase()}`;
      return h("option", { value: one.id, disabled: !one.active }, told);
    }))));
  }
  select.value = String(me);
}
