// The list of chats that a message can be forwarded to.

import { h, icon } from "./dom.js";
import { avatar } from "./people.js";

const dialog = document.getElementById("forward-dialog");

// Ask where to; `targets` are { place, name, face, kind }, `choose` gets the place.
export function ask(targets, choose) {
  const rows = targets.map((one) => h("li", {}, h("button", {
    type: "button", class: "chat-item", onclick: () => { dialog.close(); choose(one.place); },
  }, one.face ? avatar(one.face, "small") : h("span", { class: `avatar small ${one.kind}` }, icon(one.kind)),
  h("span", { class: "who" }, h("b", {}, one.name)))));
  document.getElementById("forward-chats").replaceChildren(...rows);
  dialog.showModal();
}

document.getElementById("forward-close").addEventListener("click", () => dialog.close());
