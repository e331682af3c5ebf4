// What a page of a guide does beyond being read: copies code, and leads old addresses on.

"use strict";

// Browsers let a page write to the clipboard on https and on this machine alone.
if (navigator.clipboard) {
  for (const block of document.querySelectorAll("figure")) {
    const button = document.createElement("button");
    const say = (word) => (button.textContent = word);
    say("Copy");
    button.type = "button";
    button.addEventListener("click", () =>
      navigator.clipboard.writeText(block.querySelector("code").textContent).then(
        () => say("Copied"),
        () => say("Not allowed"),
      ),
    );
    button.addEventListener("blur", () => say("Copy"));
    block.append(button);
  }
}

// The guide for frontends used to be the only one, at the address of the list.
if (location.pathname.endsWith("/docs") && location.hash && !document.querySelector(location.hash)) {
  location.replace(`docs/frontends${location.hash}`);
}
