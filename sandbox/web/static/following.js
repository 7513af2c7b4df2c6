// A log that stays at its end while its reader is there; else a mark tells what has come since.

import { words } from "./words.js";

const NEAR = 40; // so close to the end, in pixels, is at the end

export class Following {
  constructor(log, mark) {
    this.log = log;
    this.mark = mark;
    this.atEnd = true;
    this.last = 0; // the last message that was shown
    this.missed = 0;
    this.top = 0;
    log.addEventListener("scroll", () => this.look());
    mark.addEventListener("click", () => { this.jump(); log.focus(); });
    // The composer below, a turned phone, a wrapped line: whatever moves the end is followed.
    const sizes = new ResizeObserver(() => { if (this.atEnd) this.jump(); });
    sizes.observe(log);
    sizes.observe(log.firstElementChild);
  }

  // These rows are shown now. Who opens another chat or sends something is taken to the end.
  shown(rows, me, { opened }) {
    const fresh = rows.filter((row) => row.id > this.last);
    this.last = rows.length ? rows[rows.length - 1].id : 0;
    if (opened || this.atEnd || fresh.some((row) => row.author === me)) this.jump();
    else this.tell(this.missed + fresh.length);
  }

  jump() {
    this.log.scrollTop = this.log.scrollHeight;
    this.top = this.log.scrollTop;
    this.atEnd = true;
    this.tell(0);
  }

  // Only a reader scrolls up; what else moves the end leaves the place as it is.
  look() {
    if (!this.log.clientHeight) return;
    const left = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight;
    if (left < NEAR) {
      this.atEnd = true;
      this.tell(0);
    } else if (this.log.scrollTop < this.top) this.atEnd = false;
    this.top = this.log.scrollTop;
  }

  tell(missed) {
    this.missed = missed;
    this.mark.hidden = !missed;
    this.mark.textContent = missed ? words.new_messages(missed) : "";
  }
}
