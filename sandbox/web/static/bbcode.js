// BB code of messages as elements. Text becomes text nodes only; what is no known code, is not
// closed, or points to a dangerous address, stays the text it was. As on the portal, entities are
// decoded before codes are looked for: a bracket written as an entity is a bracket.

import { h } from "./dom.js";

const CODE = /\[(\/?)(b|i|u|s|url|user|chat|code|put|send|br|size|color)(?:=([^\]\n]{0,2000})|( [^\]\n]{0,100}))?\]/gi;
const MOST_DEPTH = 20;
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(lt|gt|quot|apos|nbsp|amp));/gi;
const NAMED = { lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", amp: "&" };
const MOST_POINT = 0x10ffff;

export function render(text, at) {
  const out = document.createDocumentFragment();
  for (const block of blocks(decoded(text))) {
    if (block.quote) out.append(h("blockquote", {}, inline(block.lines.join("\n"), at)));
    else out.append(inline(block.lines.join("\n"), at));
  }
  return out;
}

// What `render` is told where nothing in a text can be pressed.
export function onlyRead(name, me = 0) {
  return { me, name, put() {}, send() {}, chat() {}, path() {} };
}

export function plain(text) {
  const bare = decoded(text)
    .replace(CODE, (_code, _slash, name) => (name.toLowerCase() === "br" ? " " : ""));
  return bare.replace(/\s+/g, " ").trim();
}

export function isSafeLink(address) {
  return /^https?:\/\/[^\s]+$/i.test(address) || /^\/(?![/\\])[^\s\\]*$/.test(address);
}

function decoded(text) {
  return text.replace(ENTITY, (raw, decimal, hex, name) => {
    if (name) return NAMED[name.toLowerCase()];
    const point = decimal ? Number(decimal) : parseInt(hex, 16);
    return point > 0 && point <= MOST_POINT ? String.fromCodePoint(point) : raw;
  });
}

// ">>" quotes a line; lines of dashes enclose a longer quotation.
function blocks(text) {
  const found = [];
  const lines = text.split("\n");
  const put = (quote, line) => {
    const last = found[found.length - 1];
    if (last && last.quote === quote && !last.closed) last.lines.push(line);
    else found.push({ quote, lines: [line], closed: false });
  };
  for (let number = 0; number < lines.length; number += 1) {
    const end = isRule(lines[number]) ? lines.findIndex((l, at) => at > number && isRule(l)) : -1;
    if (end > number) {
      found.push({ quote: true, lines: lines.slice(number + 1, end), closed: true });
      number = end;
    } else if (lines[number].startsWith(">>")) {
      put(true, lines[number].slice(2));
    } else {
      put(false, lines[number]);
    }
  }
  return found;
}

function isRule(line) {
  return /^-{6,}\s*$/.test(line);
}

function inline(text, at) {
  const stack = [{ name: "", raw: "", argument: "", nodes: [] }];
  const put = (...nodes) => stack[stack.length - 1].nodes.push(...nodes);
  const flatten = () => {
    const open = stack.pop();
    put(open.raw, ...open.nodes);
  };
  let from = 0;
  CODE.lastIndex = 0;
  for (let found = CODE.exec(text); found; found = CODE.exec(text)) {
    const [raw, slash, given, argument] = found;
    const name = given.toLowerCase();
    if (found.index > from) put(text.slice(from, found.index));
    from = found.index + raw.length;
    if (name === "br") {
      put("\n");
    } else if (name === "code" && !slash) {
      const end = text.slice(from).search(/\[\/code\]/i);
      if (end < 0) {
        put(raw);
      } else {
        put(h("code", {}, text.slice(from, from + end)));
        from += end + "[/code]".length;
        CODE.lastIndex = from;
      }
    } else if (!slash) {
      if (stack.length > MOST_DEPTH) put(raw);
      else stack.push({ name, raw, argument: argument || "", nodes: [] });
    } else if (stack.some((open) => open.name === name)) {
      while (stack[stack.length - 1].name !== name) flatten();
      const open = stack.pop();
      put(...wrapped(open, raw, at));
    } else {
      put(raw);
    }
  }
  if (from < text.length) put(text.slice(from));
  while (stack.length > 1) flatten();
  const out = document.createDocumentFragment();
  out.append(...stack[0].nodes);
  return out;
}

const SIMPLE = { b: "strong", i: "em", u: "u", s: "s" };

function wrapped(open, raw, at) {
  const { name, argument, nodes } = open;
  const said = () => h("span", {}, ...nodes).textContent;
  const left = [open.raw, ...nodes, raw];
  if (name in SIMPLE) return [h(SIMPLE[name], {}, ...nodes)];
  if (name === "url") return link(argument || said(), nodes, at) || left;
  if (name === "user") return mention(argument, nodes, at) || left;
  if (name === "chat") return chat(argument, nodes, at) || left;
  if (name === "put" || name === "send") {
    const words = argument || said();
    const act = () => (name === "put" ? at.put(words) : at.send(words));
    return [h("button", { type: "button", class: "link", onclick: act }, ...nodes)];
  }
  return styled(name, argument, nodes) || left;
}

function link(address, nodes, at) {
  const url = address.trim();
  if (!isSafeLink(url)) return null;
  if (url.startsWith("/")) {
    const act = () => at.path(url);
    return [h("button", { type: "button", class: "link", onclick: act }, ...nodes)];
  }
  const rel = "noopener noreferrer";
  return [h("a", { href: url, target: "_blank", rel }, ...nodes)];
}

function mention(argument, nodes, at) {
  const id = argument.split(" ")[0];
  if (!/^\d{1,9}$/.test(id) && id !== "all") return null;
  const own = id === "all" || Number(id) === at.me;
  const filled = nodes.length ? nodes : [at.name(Number(id))];
  return [h("span", { class: own ? "mention own" : "mention", "data-id": id }, ...filled)];
}

function chat(argument, nodes, at) {
  if (!/^\d{1,9}$/.test(argument)) return null;
  const act = () => at.chat(Number(argument));
  return [h("button", { type: "button", class: "link", onclick: act }, ...nodes)];
}

function styled(name, argument, nodes) {
  const span = h("span", {}, ...nodes);
  if (name === "color" && /^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(argument)) {
    span.style.color = argument;
    return [span];
  }
  if (name === "size" && Number(argument) >= 8 && Number(argument) <= 30) {
    span.style.fontSize = `${Number(argument)}px`;
    return [span];
  }
  return null;
}
