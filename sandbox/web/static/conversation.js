// The messages of a chat, with their keyboards; and the customer's phone, which sees less.

import { onlyRead, render } from "./bbcode.js";
import { h, icon, of, reconcile } from "./dom.js";
import * as feed from "./feed.js";
import { avatar } from "./people.js";
import { time, words } from "./words.js";

const TOGETHER = 300; // seconds within which one's messages stand under one name
// A bot's system lines begin with its name, its answers to commands with a mention of it.
const BOT_LINE = /^(?:\[b\]([^[\]]*):\[\/b\]\n|\[user=(\d+)\][^[\]]*\[\/user\]\n ?)/i;

export function showMessages(following, chat, at) {
  const list = following.log.firstElementChild;
  of(list, `${chat ? chat.id : "none"} as ${at.me}`);
  const opened = !list.dataset.begun;
  const rows = chat ? asRows(chat, feed.messages(chat.id)) : [];
  reconcile(list, rows, (row) => row.id, (row) => bubble(row, at));
  reachLast(list);
  following.shown(rows, at.me, { opened });
}

// What a system line of a bot says stands beside the bot, though it has no author.
export function speaker(message) {
  const named = message.system && BOT_LINE.exec(message.text);
  const bot = named && feed.people().find((one) => one.kind === "bot"
    && (named[2] ? one.id === Number(named[2]) : one.name === named[1]));
  if (!bot) return { author: message.author, text: message.text };
  return { author: bot.id, text: message.text.slice(named[0].length) };
}

function asRows(chat, messages) {
  const customer = chat.members.find((id) => feed.person(id)?.kind === "connector");
  let last = null;
  return messages.map((message) => {
    const said = speaker(message);
    const row = {
      ...message, ...said, kind: feed.person(said.author)?.kind || "system", name: feed.name(said.author),
      internal: chat.kind === "lines" && !message.to_customer && said.author !== customer,
      follows: Boolean(last) && last.author === said.author && said.author !== 0
        && message.at - last.at < TOGETHER,
    };
    last = row;
    return row;
  });
}

function bubble(row, at) {
  const context = { ...at, path: at.path };
  if (row.author === 0) {
    return h("li", { class: "line" }, h("span", {}, h("span", { class: "words" }, render(row.text, context)),
      h("time", {}, time(row.at)), tools(row, at)), keyboard(row, at));
  }
  const own = row.author === at.me;
  const classes = ["message", own && "own", row.internal && "internal", row.follows && "follows"];
  return h("li", { class: classes.filter(Boolean).join(" ") },
    !own && avatar(row.author),
    h("div", { class: "bubble" },
      h("div", { class: "name" }, row.name, row.kind === "bot" && h("span", { class: "tag" }, words.bot),
        row.kind === "connector" && h("span", { class: "tag" }, words.customer)),
      row.forwarded !== null && h("small", { class: "forwarded" }, icon("forward"), words.forwarded(sayer(row.forwarded))),
      h("div", { class: "words" }, render(row.text, context)),
      row.attached && h("small", {}, `[${words.attachment}]`),
      keyboard(row, at),
      h("div", { class: "meta" },
        row.internal && h("span", { class: "seen" }, icon("hidden"), words.internal),
        row.to_customer && h("span", { class: "seen" }, icon("sent"), words.delivered),
        tools(row, at), h("time", {}, time(row.at)))));
}

function sayer(id) {
  return id ? feed.name(id) : words.system;
}

// What can be done with a message. Of them all only the last message's are tab stops: one goes on
// from there by the arrows.
function tools(row, at) {
  const named = [sayer(row.author), time(row.at)];
  const tool = (name, label, act) => h("button", {
    type: "button", class: "tool", "data-tool": name, "aria-label": label, title: words[name], tabindex: -1, onclick: act,
  }, icon(name));
  return h("span", { class: "tools" },
    tool("quote", words.quote_it(...named), () => at.quote(row)),
    tool("forward", words.forward_it(...named), () => at.forward(row)));
}

function reachLast(list) {
  for (const tool of list.querySelectorAll(".tool[tabindex='0']")) tool.tabIndex = -1;
  for (const tool of list.lastElementChild?.querySelectorAll(".tool") || []) tool.tabIndex = 0;
}

export function steer(log) {
  log.addEventListener("keydown", (event) => {
    const tool = event.target.closest(".tool");
    const aside = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
    if (!tool || !aside) return;
    event.preventDefault();
    tool.closest("li")[aside]?.querySelector(`[data-tool="${tool.dataset.tool}"]`)?.focus();
  });
}

function keyboard(row, at) {
  if (!row.keyboard.length) return null;
  let index = 0;
  const rows = [[]];
  for (const button of row.keyboard) {
    if (button.TYPE === "NEWLINE") rows.push([]);
    else {
      rows[rows.length - 1].push(key(row, button, index, at));
      index += 1;
    }
  }
  return h("div", { class: "keyboard" }, rows.map((keys) => h("div", {}, keys)));
}

function key(row, button, index, at) {
  const classes = ["key", `token-${button.BG_COLOR_TOKEN || "base"}`, button.DISPLAY === "BLOCK" && "block"];
  const label = String(button.TEXT);
  const made = h("button", {
    type: "button", class: classes.filter(Boolean).join(" "), disabled: button.DISABLED === "Y",
    onclick: () => at.press(row, button, index),
  }, label, button.LINK && icon("link"));
  if (isColour(button.BG_COLOR)) made.style.backgroundColor = button.BG_COLOR;
  if (isColour(button.TEXT_COLOR)) made.style.color = button.TEXT_COLOR;
  return made;
}

function isColour(text) {
  return typeof text === "string" && /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text);
}

export function customerOf(chat) {
  return chat?.kind === "lines"
    ? chat.members.map((id) => feed.person(id)).find((one) => one?.kind === "connector") : undefined;
}

// The phone: what was relayed to the customer, and what he has written himself.
export function showPhone(log, chat) {
  const customer = customerOf(chat);
  const list = log.firstElementChild;
  of(list, chat ? chat.id : "none");
  const seen = customer ? feed.messages(chat.id).filter((m) => m.to_customer || m.author === customer.id) : [];
  const at = onlyRead(feed.name, customer?.id);
  const rows = seen.map((m) => ({ id: m.id, text: m.text, at: m.at, own: m.author === customer.id,
    name: feed.name(m.author) }));
  reconcile(list, rows, (row) => row.id, (row) => h("li", { class: row.own ? "own" : "" },
    !row.own && h("b", {}, row.name),
    h("span", { class: "words" }, render(row.text, at)), h("time", {}, time(row.at))));
  log.scrollTop = log.scrollHeight;
}
