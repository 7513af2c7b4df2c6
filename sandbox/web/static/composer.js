// The text box: slash commands that the bot has registered, people after "@", Enter sends.

import { h, of, reconcile } from "./dom.js";
import { Text } from "./mentions.js";
import { language, words } from "./words.js";

const MOST = 8;

export class Composer {
  // `offers` gives commands() and people() that fit here; `send` takes the coded text.
  constructor(offers, send) {
    this.offers = offers;
    this.send = send;
    this.text = new Text();
    this.drafts = new Map();
    this.quoted = null; // the message that is quoted before the text: { id, name, text }
    this.place = "";
    this.found = null;
    this.chosen = 0;
    this.box = document.getElementById("text");
    this.mirror = document.getElementById("mirror");
    this.list = document.getElementById("suggestions");
    this.said = document.getElementById("suggestion-count");
    this.box.addEventListener("input", () => { this.text.edited(this.box.value); this.look(); });
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("click", () => this.look());
    this.box.addEventListener("scroll", () => { this.mirror.scrollTop = this.box.scrollTop; });
    this.box.addEventListener("blur", () => this.close());
    document.getElementById("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    document.getElementById("unquote").addEventListener("click", () => { this.quote(null); this.box.focus(); });
  }

  // Another chat: its own draft.
  go(place) {
    if (place === this.place) return;
    this.drafts.set(this.place, { text: this.text, quoted: this.quoted });
    this.place = place;
    const draft = this.drafts.get(place);
    this.text = draft?.text || new Text();
    this.quote(draft?.quoted || null);
    this.show(this.text.shown.length);
    this.close();
  }

  put(coded) {
    this.text.read(coded);
    this.show(this.text.shown.length);
    this.box.focus();
    this.close();
  }

  quote(message) {
    this.quoted = message;
    document.getElementById("quoted").hidden = !message;
    document.getElementById("quoted-text").textContent = message ? `${message.name}: ${message.text}` : "";
  }

  // What could not be sent comes back into the box.
  async submit() {
    const coded = this.text.coded();
    if (!coded.trim()) return;
    const { quoted, place } = this;
    this.text.read("");
    this.quote(null);
    this.show(0);
    this.close();
    const sent = await this.send(coded, quoted?.id);
    if (sent || this.place !== place || this.text.shown) return;
    this.put(coded);
    this.quote(quoted);
  }

  show(caret) {
    this.box.value = this.text.shown;
    this.box.setSelectionRange(caret, caret);
    this.paint();
  }

  // The mirror lies under the box and colours the mentions.
  paint() {
    const parts = [];
    let from = 0;
    for (const one of this.text.people) {
      parts.push(this.text.shown.slice(from, one.start));
      parts.push(h("mark", {}, this.text.shown.slice(one.start, one.end)));
      from = one.end;
    }
    this.mirror.replaceChildren(...parts, `${this.text.shown.slice(from)}\n`);
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 160)}px`;
    this.mirror.scrollTop = this.box.scrollTop;
  }

  look() {
    this.paint();
    const caret = this.box.selectionStart;
    const start = this.text.shown.lastIndexOf("\n", caret - 1) + 1;
    const line = this.text.shown.slice(start, caret);
    const command = /^\/\S*$/.test(line) ? line.slice(1) : null;
    const at = line.lastIndexOf("@");
    const begins = at === 0 || (at > 0 && /[\s,(]/.test(line[at - 1]));
    const asks = begins && !this.text.covers(start + at);
    if (command !== null) this.offer(start, caret, this.commands(command));
    else if (asks && line.length - at <= 40) this.offer(start + at, caret, this.people(line.slice(at + 1)));
    else this.close();
  }

  commands(typed) {
    const fits = this.offers.commands().filter((one) => one.name.startsWith(typed.toLowerCase()));
    return fits.slice(0, 20).map((one) => ({ command: one }));
  }

  people(typed) {
    const parts = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = this.offers.people().filter((one) => {
      const has = [one.name, one.position, ...one.departments].join(" ").toLowerCase().split(/\s+/);
      return parts.every((part) => has.some((word) => word.startsWith(part)));
    });
    return fits.slice(0, MOST).map((one) => ({ person: one }));
  }

  offer(from, to, items) {
    if (!items.length) { this.close(); return; }
    this.found = { from, to, items };
    this.chosen = Math.min(this.chosen, items.length - 1);
    this.said.textContent = words.suggestion_count(items.length);
    this.draw();
  }

  draw() {
    of(this.list, "offer");
    const rows = this.found.items.map((item, index) => ({ ...item, index, on: index === this.chosen }));
    reconcile(this.list, rows, (row) => row.index, (row) => this.row(row));
    this.list.hidden = false;
    this.box.setAttribute("aria-activedescendant", `offer-${this.chosen}`);
    this.list.children[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  row(row) {
    const told = row.command ? commandRow(row.command) : this.offers.personRow(row.person);
    return h("li", {
      id: `offer-${row.index}`, role: "option", "aria-selected": String(row.on),
      onmousedown: (event) => { event.preventDefault(); this.take(row.index); },
    }, told);
  }

  close() {
    this.found = null;
    this.chosen = 0;
    this.list.hidden = true;
    this.said.textContent = "";
    this.box.removeAttribute("aria-activedescendant");
  }

  take(index) {
    const { from, to, items } = this.found;
    const { command, person } = items[index];
    const taken = command ? `/${command.name}` : `@${person.name}`;
    let end = this.text.put(from, to, taken, person ? person.id : 0);
    if (this.text.shown[end] !== " ") this.text.put(end, end, " ");
    end += 1;
    this.show(end);
    this.box.focus();
    this.close();
  }

  key(event) {
    if (event.isComposing) return;
    // A key held down sends once.
    if (event.key === "Enter" && event.repeat) { event.preventDefault(); return; }
    const caret = this.box.selectionStart;
    const person = this.text.endingAt(caret);
    if (this.found && this.steer(event)) {
      event.preventDefault();
    } else if (event.key === "Escape" && this.quoted) {
      this.quote(null);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "Backspace" && person && caret === this.box.selectionEnd) {
      event.preventDefault();
      this.text.put(person.start, person.end, "");
      this.show(person.start);
      this.look();
    }
  }

  // Nothing is left to complete in a command that stands there whole.
  isTyped({ command }) {
    return Boolean(command) && this.text.shown.slice(this.found.from, this.found.to) === `/${command.name}`;
  }

  steer(event) {
    const count = this.found.items.length;
    if (event.key === "ArrowDown") this.chosen = (this.chosen + 1) % count;
    else if (event.key === "ArrowUp") this.chosen = (this.chosen + count - 1) % count;
    else if (event.key === "Escape") { this.close(); return true; }
    else if (event.key === "Enter" && this.isTyped(this.found.items[this.chosen])) return false;
    else if (event.key === "Enter" || event.key === "Tab") { this.take(this.chosen); return true; }
    else return false;
    this.draw();
    return true;
  }
}

function commandRow(one) {
  const spoken = (texts) => texts[language] || texts.en || Object.values(texts)[0] || "";
  return [
    h("span", { class: "command" }, `/${one.name}`),
    h("span", { class: "hint" }, spoken(one.params)),
    h("span", { class: "told" }, spoken(one.title)),
  ];
}
