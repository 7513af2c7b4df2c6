// The app's pages in a frame, opened and answered as a portal does it.
// A page says "command:params:callback:app sid" and is answered "callback:JSON".

import { h, toast } from "./dom.js";
import * as feed from "./feed.js";
import { language, words } from "./words.js";

const RIGHTS = "allow-scripts allow-forms allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-downloads";
const allowed = new Set(document.body.dataset.origins.split(" ").filter(Boolean));

let opened = null; // {me, which, tab, page, frame}

// The page's policy names the addresses that may be framed; new ones need the page anew.
function mayFrame(url) {
  const origin = originOf(url);
  return origin === location.origin || allowed.has(origin);
}

function originOf(url) {
  try {
    return new URL(url, location.origin).origin;
  } catch {
    return "";
  }
}

// A tab of a record's card is {placement, id, title}.
export async function openApp(me, which, tab = null) {
  const place = tab ? { placement: tab.placement, options: { ID: String(tab.id), URI: "" } } : {};
  const page = await feed.post("open", { user_id: me, which, language, ...place });
  if (!page.ok) { toast(`${words.refused}: ${page.error}`, { kind: "bad" }); return; }
  if (!mayFrame(page.url)) {
    location.hash = tab ? `${tab.placement}:${tab.id}` : which;
    location.reload();
    return;
  }
  const title = tab?.title || (which === "install" ? words.install_title : words.app_title);
  const frame = show(title, page.name);
  opened = { me, which, tab, page, frame };
  const fields = Object.entries(page.fields).map(([name, value]) => h("input", { type: "hidden", name, value }));
  const form = h("form", { method: "post", action: page.url, target: page.name, hidden: true }, fields);
  document.body.append(form);
  form.submit();
  form.remove();
}

// A link of the app's opens over the chat, as in a portal; false where it is not the app's.
export function openLink(url) {
  if (originOf(url) === location.origin || !mayFrame(url)) return false;
  const frame = show(words.app_title, "");
  frame.src = url;
  return true;
}

function show(title, name) {
  const dialog = document.getElementById("app-dialog");
  document.getElementById("app-dialog-title").textContent = title;
  const frame = h("iframe", { sandbox: RIGHTS, title });
  frame.name = name;
  document.getElementById("app-frame").replaceChildren(frame);
  if (!dialog.open) dialog.showModal();
  return frame;
}

export function closeFrame() {
  opened = null;
  document.getElementById("app-frame").replaceChildren();
  const dialog = document.getElementById("app-dialog");
  if (dialog.open) dialog.close();
}

export function listen({ openChat }) {
  const dialog = document.getElementById("app-dialog");
  dialog.addEventListener("close", closeFrame);
  document.getElementById("app-dialog-close").addEventListener("click", closeFrame);
  window.addEventListener("message", (event) => {
    if (!opened?.page || event.source !== opened.frame.contentWindow) return;
    if (event.origin !== originOf(opened.page.url) || typeof event.data !== "string") return;
    const [command, ...rest] = event.data.split(":");
    const appSid = rest.pop();
    const callback = rest.pop();
    if (appSid !== opened.page.name.split("|")[2]) return;
    const answer = (value) => event.source.postMessage(
      value === undefined ? `${callback}:` : `${callback}:${JSON.stringify(value)}`, event.origin);
    obey(command, asked(rest.join(":")), answer, { appSid, openChat });
  });
}

function asked(text) {
  try {
    return JSON.parse(text) || {};
  } catch {
    return {};
  }
}

function obey(command, params, answer, { appSid, openChat }) {
  const { me, which, tab, page } = opened;
  switch (command) {
    case "getInitData": answer(initial(me, which, page)); break;
    case "setInstallFinish": finish(me, appSid); break;
    case "reloadWindow": openApp(me, which, tab); break;
    case "closeApplication": closeFrame(); break;
    case "setTitle":
      document.getElementById("app-dialog-title").textContent = String(params.title || "").slice(0, 100);
      answer();
      break;
    case "imOpenMessenger": closeFrame(); openChat(String(params.dialog || "")); break;
    default: answer();
  }
}

function initial(me, which, page) {
  const [domain] = page.name.split("|");
  const { AUTH_ID, REFRESH_ID, AUTH_EXPIRES, PLACEMENT, PLACEMENT_OPTIONS } = page.fields;
  return {
    LANG: language, DOMAIN: domain, PROTOCOL: "0", PATH: "/rest",
    AUTH_ID, REFRESH_ID, AUTH_EXPIRES, MEMBER_ID: page.fields.member_id,
    FIRST_RUN: false, INSTALL: which === "install", IS_ADMIN: Boolean(feed.person(me)?.admin),
    USER_OPTIONS: {}, APP_OPTIONS: {}, PLACEMENT,
    PLACEMENT_OPTIONS: PLACEMENT_OPTIONS ? JSON.parse(PLACEMENT_OPTIONS) : {},
  };
}

async function finish(me, appSid) {
  const done = await feed.post("finish", { app_sid: appSid });
  if (!done.ok) toast(`${words.refused}: ${done.error}`, { kind: "bad" });
  else if (feed.portal().page) openApp(me, "app");
  else closeFrame();
}
