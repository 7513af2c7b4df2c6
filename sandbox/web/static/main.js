// The page as a whole: who one is, which chat is open, what is drawn when something changes.

import { plain } from "./bbcode.js";
import { Composer } from "./composer.js";
import { customerOf, showMessages, showPhone, speaker, steer } from "./conversation.js";
import { h, icon, of, reconcile, toast } from "./dom.js";
import * as feed from "./feed.js";
import { Following } from "./following.js";
import { listen, openApp, openLink } from "./frame.js";
import * as forwarding from "./forwarding.js";
import * as panel from "./panel.js";
import { about, avatar, fillSwitch, memberList, personRow } from "./people.js";
import { language, time, words } from "./words.js";

const $ = (id) => document.getElementById(id);
const [OLGA, CHAT] = [7, 8773];
const BOT = "bot";

const kept = JSON.parse(sessionStorage.getItem("desk") || "{}");
let me = kept.me || OLGA;
const linked = /^chat(\d{1,9})$/.exec(new URLSearchParams(location.search).get("IM_DIALOG"));
let place = (linked && Number(linked[1])) || kept.place || CHAT; // a chat's id, or BOT before the talk with it has begun
let seen = new Map(); // person and chat: the last message that was looked at
let start = 0; // what had been said when the page was opened
let members = null; // of the open chat, as they were told last

const composer = new Composer({ commands: commandsHere, people: peopleHere, personRow },
  (text, quoted) => type(text, me, quoted));

const following = new Following($("messages"), $("new-messages"));

const context = {
  get me() { return me; },
  name: feed.name,
  put: (text) => composer.put(text),
  send: (text) => type(text),
  chat: (id) => go(id),
  path: (path) => toast(words.no_page(path)),
  press,
  quote,
  forward,
};

function remember() {
  sessionStorage.setItem("desk", JSON.stringify({ me, place }));
  // With this the portal's authorization page knows who signs in.
  document.cookie = `sandbox_user=${me}; path=/; SameSite=Lax`;
}

// Chats.

function botId() {
  return feed.portal().bots[0]?.id;
}

function talk(person = me) {
  const bot = botId();
  return feed.chats().find((one) => one.kind === "private" && one.members.includes(person)
    && one.members.includes(bot));
}

function here() {
  return place === BOT ? talk() : feed.chat(place);
}

function placeOf(chat) {
  return chat.kind === "private" ? BOT : chat.id;
}

function isIn(chat) {
  return chat.members.includes(me);
}

function commandsHere() {
  const chat = here();
  const fits = (one) => {
    if (one.hidden || feed.person(me)?.kind === "extranet") return false;
    if (chat?.kind === "lines" && !one.lines) return false;
    return one.common || place === BOT || Boolean(chat?.members.includes(one.bot));
  };
  return feed.commands().filter(fits);
}

function peopleHere() {
  const rank = (one) => (one.active ? 0 : 2) + (one.kind === "extranet" ? 1 : 0);
  return feed.people().filter((one) => one.id !== me && (one.kind === "employee" || one.kind === "extranet"))
    .sort((one, other) => rank(one) - rank(other));
}

function go(target, { focus = true } = {}) {
  place = target;
  members = null;
  remember();
  show("chat");
  draw();
  notice();
  if (focus && !$("composer").hidden) $("text").focus();
}

function show(view) {
  document.body.dataset.view = view;
  for (const button of document.querySelectorAll("#views button")) {
    button.setAttribute("aria-current", String(button.dataset.view === view));
  }
}

// Acts.

async function type(text, author = me, quoted = null) {
  return post(place, { user_id: author, text, quote: quoted });
}

async function post(where, said) {
  const to = where === BOT ? { dialog: "bot" } : { chat_id: where };
  const answer = await feed.post("messages", { ...to, ...said });
  if (!answer.ok) toast(`${words.refused}: ${answer.error}`, { kind: "bad" });
  return answer.ok;
}

function quote(row) {
  if ($("composer").hidden) { toast(words.read_only); return; }
  composer.quote({ id: row.id, name: row.author ? row.name : words.system, text: plain(row.text).slice(0, 140) });
  $("text").focus();
}

function forward(row) {
  const targets = feed.chats().filter((one) => one.kind !== "private" && isIn(one))
    .map((one) => ({ place: one.id, name: one.name, face: customerOf(one)?.id, kind: one.kind }));
  const bot = botId();
  if (bot) targets.unshift({ place: BOT, name: feed.name(bot), face: bot });
  forwarding.ask(targets, async (where) => {
    if (await post(where, { user_id: me, forward: row.id })) go(where);
  });
}

async function press(message, button, index) {
  if (button.LINK) { follow(button.LINK); return; }
  if (button.ACTION) { act(button); return; }
  const answer = await feed.post("presses", { message_id: message.id, button: index, user_id: me });
  if (!answer.ok) toast(`${words.refused}: ${answer.error}`, { kind: "bad" });
  else if (!answer.fired) toast(words.pressed_nothing, { kind: "bad" });
}

function follow(link) {
  if (openLink(link)) return;
  if (/^https?:\/\//i.test(link)) window.open(link, "_blank", "noopener");
  else toast(words.no_page(link));
}

function act(button) {
  const value = String(button.ACTION_VALUE || "");
  if (button.ACTION === "PUT") composer.put(value);
  else if (button.ACTION === "SEND") type(value);
  else if (button.ACTION === "COPY") navigator.clipboard?.writeText(value).then(() => toast(words.copied));
  else if (button.ACTION === "DIALOG" && value.startsWith("chat")) go(Number(value.slice(4)));
}

function insert(idea) {
  const chat = here();
  if (idea.lines && (chat?.kind !== "lines" || !isIn(chat))) go(CHAT);
  if (!idea.lines) go(BOT);
  show("chat");
  composer.put(idea.text);
}

async function hide() {
  const answer = await feed.post("faults", { chat: { id: place, silent: !here().silent } });
  if (!answer.ok) toast(`${words.refused}: ${answer.error}`, { kind: "bad" });
}

// Drawing.

function draw() {
  if (!feed.person(me)) me = OLGA;
  const chat = here();
  fillSwitch($("me"), me);
  $("my-face").replaceChildren(avatar(me, "small"));
  drawChats();
  drawHead(chat);
  showMessages(following, chat, context);
  drawEmpty(chat);
  drawComposer(chat);
  drawPhone(chat);
  drawPanel(chat);
  look(chat);
}

function drawChats() {
  const all = feed.chats().filter((one) => one.kind !== "private");
  const mine = all.filter(isIn);
  const bot = botId();
  const groups = [
    [words.bots, bot ? [{ place: BOT, chat: talk(), name: feed.name(bot), face: bot }] : []],
    [words.lines, mine.filter((one) => one.kind === "lines").map(entry)],
    [words.others, mine.filter((one) => one.kind !== "lines").map(entry)],
    [words.foreign, all.filter((one) => !isIn(one)).map(entry)],
  ].filter(([, entries]) => entries.length);
  const rows = groups.flatMap(([label, entries]) => [{ label }, ...entries.map((one) => entryRow(one))]);
  of($("chats"), me);
  reconcile($("chats"), rows, (row) => row.label || row.place, (row) => (
    row.label ? h("li", { class: "group" }, row.label) : chatItem(row)));
}

function entry(chat) {
  return { place: chat.id, chat, name: chat.name, face: customerOf(chat)?.id };
}

function entryRow({ place: where, chat, name, face }) {
  const messages = chat ? feed.messages(chat.id) : [];
  const last = messages[messages.length - 1];
  const from = Math.max(start, seen.get(`${me} ${where}`) || 0);
  const unread = where === place || (chat && !isIn(chat)) ? 0
    : messages.filter((one) => one.id > from && one.author !== me).length;
  return {
    place: where, name, face, kind: chat?.kind || "private", unread, on: where === place,
    last: last ? plain(speaker(last).text).slice(0, 80) : "", at: last?.at,
    finished: chat?.finished, silent: chat?.silent,
  };
}

function chatItem(row) {
  const face = row.face ? avatar(row.face) : h("span", { class: `avatar ${row.kind}` }, icon(row.kind));
  return h("li", {}, h("button", {
    type: "button", class: "chat-item", "aria-current": row.on ? "page" : null, onclick: () => go(row.place),
  }, face, h("span", { class: "who" }, h("b", { title: row.name }, row.name),
    h("small", {}, row.last || (row.finished ? words.finished : "\u00a0"))),
  h("span", { class: "side" }, row.at ? h("time", {}, time(row.at)) : "",
    row.unread > 0 && h("span", { class: "badge" }, String(row.unread),
      h("span", { class: "only-heard" }, words.unread(row.unread))))));
}

function drawHead(chat) {
  const bot = botId();
  const name = place === BOT ? (bot ? feed.name(bot) : words.no_bot) : chat?.name || "";
  $("chat-name").textContent = name;
  $("chat-name").title = name;
  $("chat-about").textContent = subtitle(chat).join(" · ");
  const customer = customerOf(chat);
  const face = place === BOT ? bot : customer?.id;
  $("chat-face").replaceChildren(face ? avatar(face)
    : h("span", { class: `avatar ${chat?.kind || ""}` }, icon(chat?.kind || "chat")));
  const faces = (chat?.members || []).slice(0, 5).map((id) => avatar(id, "small"));
  $("chat-members").replaceChildren(...faces, h("span", {}, chat ? words.member_count(chat.members.length) : ""));
  $("chat-members").hidden = !chat;
}

function subtitle(chat) {
  if (place === BOT) return [words.bots];
  if (!chat) return [];
  if (chat.kind !== "lines") return [words.others];
  const bound = chat.bindings.map(([kind, item]) => `${words[kind.toLowerCase()]} ${item}`);
  return [chat.connector, ...(bound.length ? bound : [words.unbound]), chat.finished && words.finished]
    .filter(Boolean);
}

function drawEmpty(chat) {
  const none = !chat || !feed.messages(chat.id).length;
  $("empty").hidden = !none;
  const hint = place === BOT ? (botId() ? words.talk_hint : words.no_bot) : words.nothing_yet;
  $("empty-text").textContent = feed.portal().installed ? hint : words.not_installed;
}

function drawComposer(chat) {
  const may = place === BOT ? Boolean(botId()) : Boolean(chat && isIn(chat));
  $("composer").hidden = !may;
  $("read-only").hidden = may || place === BOT;
  composer.go(`${me} ${place}`);
  const line = chat?.kind === "lines";
  $("hidden-mode").hidden = !line;
  if (!line) return;
  $("hidden-switch").setAttribute("aria-checked", String(chat.silent));
  $("hidden-told").textContent = chat.silent ? words.hidden_on : words.hidden_off;
  $("hidden-mode").classList.toggle("on", chat.silent);
}

function drawPhone(chat) {
  const customer = customerOf(chat);
  $("phone").classList.toggle("off", !customer);
  $("phone-none").hidden = Boolean(customer);
  $("phone-device").hidden = !customer;
  if (!customer) return;
  $("phone-name").textContent = customer.name;
  $("phone-line").textContent = chat.connector;
  showPhone($("phone-messages"), chat);
  $("phone-empty").hidden = $("phone-messages").firstElementChild.children.length > 0;
}

function drawPanel(chat) {
  const shown = chat || { id: "none", members: [me, botId()].filter(Boolean), operator: null };
  memberList($("members"), shown);
  $("member-count").textContent = String(shown.members.length);
  panel.showIdeas($("ideas"), insert);
  panel.showTabs($("record"), chat, (tab) => openApp(me, "app", tab));
  panel.showRole($("role"), chat, me);
  panel.showTimeline($("timeline"), chat);
  panel.showFaults($("faults"), chat, me);
  panel.showTraffic($("calls"));
  $("open-app").hidden = !(feed.portal().installed && feed.portal().page);
  $("open-install").hidden = !(feed.portal().install_page && feed.person(me)?.admin);
}

// What is looked at is read; who has come or gone is said.
function look(chat) {
  if (!chat) return;
  const messages = feed.messages(chat.id);
  if (messages.length) seen.set(`${me} ${place}`, messages[messages.length - 1].id);
  if (members) {
    const said = [
      ...chat.members.filter((id) => !members.includes(id)).map((id) => words.joined(feed.name(id))),
      ...members.filter((id) => !chat.members.includes(id)).map((id) => words.left(feed.name(id))),
    ];
    if (said.length) $("said").textContent = said.join(". ");
  }
  members = [...chat.members];
}

// A private word of the bot's must not go unnoticed.
let told = 0;

function notice() {
  const chat = talk();
  const bot = botId();
  if (!chat || place === BOT) {
    told = feed.newestMessage();
    for (const card of document.querySelectorAll(`.toast[data-about="${BOT}"]`)) card.remove();
    return;
  }
  const fresh = feed.messages(chat.id).filter((one) => one.id > told && one.author === bot);
  told = feed.newestMessage();
  for (const message of fresh.slice(-2)) {
    const words80 = plain(message.text).slice(0, 140);
    toast(`${words.wrote_you(feed.name(bot))}: ${words80}`, { action: () => go(BOT), label: words.open, about: BOT });
  }
}

// Beginning.

function label() {
  document.documentElement.lang = language;
  document.title = `Switchboard · ${words.title}`;
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = words[element.dataset.say];
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", words[element.dataset.label]);
    if (element.tagName === "BUTTON") element.title = words[element.dataset.label];
  }
  for (const element of document.querySelectorAll("[data-hint]")) element.placeholder = words[element.dataset.hint];
  const other = new URLSearchParams({ lang: language === "ru" ? "en" : "ru" });
  $("language").href = `?${other}`;
  $("language").lang = language === "ru" ? "en" : "ru";
}

function wire() {
  $("me").addEventListener("change", () => {
    me = Number($("me").value);
    members = null;
    $("toasts").replaceChildren();
    const chat = here();
    if (place !== BOT && (!chat || !isIn(chat))) {
      const mine = feed.chats().find((one) => one.kind !== "private" && isIn(one));
      place = mine ? placeOf(mine) : BOT;
    }
    told = feed.newestMessage();
    remember();
    draw();
  });
  $("hidden-switch").addEventListener("click", hide);
  steer($("messages"));
  $("clear-calls").addEventListener("click", () => { panel.clearTraffic(); draw(); });
  $("open-app").addEventListener("click", () => openApp(me, "app"));
  $("open-install").addEventListener("click", () => openApp(me, "install"));
  $("chat-members").addEventListener("click", () => { show("panel"); $("members-title").focus(); });
  for (const button of document.querySelectorAll("#views button")) {
    button.addEventListener("click", () => show(button.dataset.view));
  }
  $("phone-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("phone-text").value;
    const customer = customerOf(here());
    if (!text.trim() || !customer) return;
    $("phone-text").value = "";
    type(text, customer.id).then((sent) => { if (!sent && !$("phone-text").value) $("phone-text").value = text; });
  });
  listen({ openChat: (dialog) => { if (dialog.startsWith("chat")) go(Number(dialog.slice(4))); } });
}

// Whoever reads the page in English is answered in English: it is the portal's language then.
function begin() {
  if (feed.faults().language !== language) feed.post("faults", { events: { language } });
  reopen();
}

function reopen() {
  const which = location.hash.slice(1);
  const tab = panel.tabOf(...which.split(":"));
  if (which !== "app" && which !== "install" && !tab) return;
  history.replaceState(null, "", location.pathname + location.search);
  openApp(me, tab ? "app" : which, tab);
}

label();
wire();
show("chat");
remember();
feed.follow({
  onstate: (up) => {
    $("state").className = up ? "up" : "down";
    $("state").textContent = up ? words.online : words.offline;
  },
  onchange: (first) => {
    if (first) {
      seen = new Map();
      start = feed.newestMessage();
      told = start;
    }
    draw();
    notice();
    if (first) begin();
  },
});
