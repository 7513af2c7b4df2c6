// The portal as it is now: facts by key, kept up to date by the feed.

export const facts = new Map();

export function follow({ onchange, onstate }) {
  const source = new EventSource("/web/feed");
  source.onopen = () => onstate(true);
  source.onerror = () => onstate(false);
  source.onmessage = (event) => {
    const news = JSON.parse(event.data);
    if (news.first) facts.clear();
    for (const key of news.gone) facts.delete(key);
    for (const [key, fact] of Object.entries(news.facts)) facts.set(key, fact);
    onchange(news.first);
  };
}

function* some(prefix) {
  for (const [key, fact] of facts) if (key.startsWith(prefix)) yield [Number(key.slice(prefix.length)), fact];
}

export const portal = () => facts.get("portal") || { bots: [], origins: [] };
export const faults = () => facts.get("faults") || {};
export const person = (id) => facts.get(`person:${id}`);
export const name = (id) => person(id)?.name || `№ ${id}`;
export const people = () => [...some("person:")].map(([, fact]) => fact);
export const commands = () => [...some("command:")].map(([, fact]) => fact);
export const chats = () => [...some("chat:")].map(([, fact]) => fact);
export const chat = (id) => facts.get(`chat:${id}`);

export function messages(chatId) {
  return [...some("message:")].map(([, fact]) => fact)
    .filter((message) => message.chat === chatId)
    .sort((one, other) => one.id - other.id);
}

export function newestMessage() {
  return Math.max(0, ...[...some("message:")].map(([id]) => id));
}

// What stands in the timelines of a chat's items, the newest first.
export function comments(chat) {
  const items = new Set(chat.bindings.map((item) => item.join(" ")));
  return [...some("comment:")].map(([, fact]) => fact)
    .filter((one) => items.has(`${one.entity_type} ${one.entity_id}`))
    .sort((one, other) => other.id - one.id);
}

export function traffic() {
  const calls = [...some("call:")].map(([id, fact]) => ({ id, ...fact }));
  const events = [...some("event:")].map(([id, fact]) => ({ id, ...fact }));
  return [...calls, ...events].sort((one, other) => one.id - other.id);
}

export async function post(path, body) {
  let response;
  try {
    response = await fetch(`/sandbox/${path}`, { method: "POST", body: JSON.stringify(body) });
  } catch {
    return { ok: false, error: "offline" };
  }
  const answer = await response.json().catch(() => ({}));
  return { ok: response.ok, ...answer };
}
