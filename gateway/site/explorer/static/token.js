// The caller's token: one for all tabs, kept as long as the page, or until the browser's tab closes.

import { watched } from "./watched.js";

const { createElement: element, useState } = window.React;

const KEPT = "track-invite-gateway/token";

export const token = watched(kept());

function kept() {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

function keep(value) {
  try {
    if (value) sessionStorage.setItem(KEPT, value);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // This browser forbids storage: the token is kept as long as the page.
  }
}

/** Asks for a token and says why; `onChange` is called once there is one. */
export function TokenField({ refusal, onChange }) {
  const [lasting, setLasting] = useState(kept() !== "");
  const use = (event) => {
    event.preventDefault();
    // Read when it is sent: a password manager may fill it in without an event for each letter.
    const value = event.currentTarget.elements.token.value.trim().replace(/^bearer\s+/i, "");
    token.set(value);
    keep(lasting ? value : "");
    onChange();
  };
  return element(
    "form",
    { className: "gateway-notice", onSubmit: use },
    element("p", { role: "alert" }, why(refusal)),
    element("input", {
      "aria-label": "Token",
      autoComplete: "off",
      name: "token",
      placeholder: "Token",
      required: true,
      spellCheck: false,
      type: "password",
    }),
    element(
      "label",
      null,
      element("input", {
        checked: lasting,
        onChange: (event) => setLasting(event.target.checked),
        type: "checkbox",
      }),
      "Keep for this session",
    ),
    element("button", null, "Use token"),
  );
}

/** Says that a token is in use, and forgets it. */
export function TokenInUse({ onChange }) {
  if (!token.use()) return null;
  const forget = () => {
    token.set("");
    keep("");
    onChange();
  };
  return element("button", { type: "button", onClick: forget }, "Forget token");
}

function why({ status, answer }) {
  const held = token.get();
  if (!held) return "The gateway requires an access token.";
  const ended = endOf(held);
  if (ended < Date.now()) return `Your token expired on ${new Date(ended).toLocaleString()}.`;
  if (status === 403) return `Your token is valid, but: ${answer.errors?.[0]?.message}`;
  return "The gateway does not accept this token: it is wrong, or was revoked.";
}

/** When a JWT ends, in milliseconds; NaN for other tokens, of which only the gateway knows. */
function endOf(held) {
  try {
    const payload = held.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(payload)).exp * 1000;
  } catch {
    return NaN;
  }
}
