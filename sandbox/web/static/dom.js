// Elements are built, never parsed: no text can become markup.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

// Make the children of an element those of the list; who has not changed stays as he is,
// so that focus is kept and a live region reads out only what is new.
export function reconcile(parent, items, key, make) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const begun = parent.dataset.begun === parent.dataset.of;
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const look = JSON.stringify(item);
    let child = old.get(name);
    old.delete(name);
    if (!child || child.dataset.look !== look) {
      const made = make(item);
      made.dataset.key = name;
      made.dataset.look = look;
      if (!child && begun) made.classList.add("new");
      if (child) {
        if (place === child) place = made;
        child.replaceWith(made);
      }
      child = made;
    }
    if (child === place) place = child.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of old.values()) child.remove();
  parent.dataset.begun = parent.dataset.of;
}

// Say for what the children are; another thing begins with an empty element.
export function of(parent, what) {
  if (parent.dataset.of === String(what)) return;
  parent.replaceChildren();
  parent.dataset.of = String(what);
  delete parent.dataset.begun;
}

export function toast(text, { kind = "note", action = null, label = "", about = "" } = {}) {
  const host = document.getElementById("toasts");
  const card = h("div", { class: `toast ${kind}`, "data-about": about }, h("span", {}, text));
  if (action) {
    const act = () => { card.remove(); action(); };
    card.append(h("button", { type: "button", class: "link", onclick: act }, label));
  }
  host.append(card);
  while (host.children.length > 4) host.firstElementChild.remove();
  setTimeout(() => card.remove(), kind === "bad" ? 9000 : 6000);
}
