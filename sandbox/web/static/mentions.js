// A text with people in it: shown as "@Name", kept as places, sent as BB code.

const MENTION = /\[USER=(\d{1,9})(?: REPLACE)?\]([^[\]]*)\[\/USER\]/gi;

export class Text {
  constructor() {
    this.shown = "";
    this.people = []; // {start, end, id, name}
  }

  // The text has been edited; mentions that were touched are mentions no more.
  edited(now) {
    const before = this.shown;
    const most = Math.min(before.length, now.length);
    let start = 0;
    while (start < most && before[start] === now[start]) start += 1;
    let end = 0;
    while (end < most - start && before[before.length - 1 - end] === now[now.length - 1 - end]) end += 1;
    const after = before.length - end;
    const shift = now.length - before.length;
    this.people = this.people.flatMap((one) => {
      if (one.end <= start) return [one];
      if (one.start >= after) return [{ ...one, start: one.start + shift, end: one.end + shift }];
      return [];
    });
    this.shown = now;
  }

  // Put a text, a mention where `id` is given, in place of what is between; gives its end.
  put(from, to, words, id = 0) {
    this.edited(this.shown.slice(0, from) + words + this.shown.slice(to));
    if (id) this.people.push({ start: from, end: from + words.length, id, name: words.slice(1) });
    this.people.sort((one, other) => one.start - other.start);
    return from + words.length;
  }

  // Begin anew with a text that may hold mentions as BB code.
  read(coded) {
    this.shown = "";
    this.people = [];
    let from = 0;
    for (const found of coded.matchAll(MENTION)) {
      const start = this.put(this.shown.length, this.shown.length, coded.slice(from, found.index));
      this.put(start, start, `@${found[2]}`, Number(found[1]));
      from = found.index + found[0].length;
    }
    this.put(this.shown.length, this.shown.length, coded.slice(from));
  }

  coded() {
    let out = "";
    let from = 0;
    for (const one of this.people) {
      out += `${this.shown.slice(from, one.start)}[USER=${one.id}]${one.name}[/USER]`;
      from = one.end;
    }
    return out + this.shown.slice(from);
  }

  endingAt(place) {
    return this.people.find((one) => one.end === place);
  }

  covers(place) {
    return this.people.some((one) => one.start <= place && place < one.end);
  }
}
