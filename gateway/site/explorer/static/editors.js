// GraphiQL's editors and tabs for everybody: with names, reachable by keyboard, links in responses.

const { createElement: element, useEffect } = window.React;
const { DOC_EXPLORER_PLUGIN, UnStyledButton, PlusIcon, Tooltip, useEditorContext } =
  window.GraphiQL.React;

// To CodeMirror, false leaves a key to the browser.
const TAB_LEAVES = { Tab: false, "Shift-Tab": false };
const LINK = /"(https?:\/\/[^"\s]+)"/g;
const MOST_LINKS = 200;
const IS_MAC = navigator.platform.startsWith("Mac");
const SEARCH_KEY = IS_MAC ? "⌘ K" : "Ctrl K";
const SEARCH = ".graphiql-doc-explorer-search input";

/** Gives each editor its name, and lets Tab lead out of it. */
export function NamedEditors() {
  const context = useEditorContext({ nonNull: true });
  const { queryEditor, variableEditor, headerEditor, responseEditor } = context;
  const named = [
    [queryEditor, "Request"],
    [variableEditor, "Variables"],
    [headerEditor, "Headers"],
    [responseEditor, "Response"],
  ];
  useEffect(() => {
    for (const [editor, name] of named) {
      if (!editor) continue;
      editor.removeKeyMap(TAB_LEAVES);
      editor.addKeyMap(TAB_LEAVES);
      editor.getInputField().setAttribute("aria-label", name);
      // Those without a mouse scroll it with the arrow keys.
      editor.getScrollerElement().tabIndex = 0;
    }
  }, named.map(([editor]) => editor));
  useEffect(() => {
    if (!responseEditor) return undefined;
    const link = () => linkAddresses(responseEditor);
    responseEditor.on("change", link);
    return () => responseEditor.off("change", link);
  }, [responseEditor]);
  return null;
}

function linkAddresses(editor) {
  [...editor.getValue().matchAll(LINK)].slice(0, MOST_LINKS).forEach(({ 0: text, index }) => {
    const link = document.createElement("a");
    link.className = "cm-string";
    link.textContent = text.slice(1, -1);
    link.href = JSON.parse(text);
    link.target = "_blank";
    link.rel = "noreferrer";
    const [from, to] = [index + 1, index + text.length - 1].map((at) => editor.posFromIndex(at));
    editor.markText(from, to, { replacedWith: link, handleMouseEvents: true });
  });
}

/**
 * A tab with GraphiQL holds two buttons, and the list of tabs a third. To be a list of tabs, it
 * may hold nothing else: the first button becomes the tab, and "add" stands beside the list.
 */
export function Tabs() {
  const { tabs, activeTabIndex, changeTab, closeTab } = useEditorContext({ nonNull: true });
  useEffect(() => {
    const all = [...document.querySelectorAll(".graphiql-tab")];
    all.forEach((outer, index) => {
      const [tab, close] = outer.children;
      const active = index === activeTabIndex;
      outer.setAttribute("role", "presentation");
      outer.removeAttribute("aria-selected");
      close.setAttribute("aria-hidden", "true");
      close.tabIndex = -1;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-selected", String(active));
      tab.tabIndex = active ? 0 : -1;
      if (active) outer.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  });
  useEffect(() => {
    const list = document.querySelector(".graphiql-tabs");
    const go = (event) => {
      const to = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Delete") closeTab(activeTabIndex);
      else if (to) changeTab((activeTabIndex + to + tabs.length) % tabs.length);
      else return;
      event.preventDefault();
      setTimeout(() => document.querySelector(".graphiql-tab [aria-selected=true]")?.focus());
    };
    list.addEventListener("keydown", go);
    return () => list.removeEventListener("keydown", go);
  });
  return null;
}

export function AddTab() {
  const { addTab } = useEditorContext({ nonNull: true });
  return element(
    Tooltip,
    { label: "Add tab" },
    element(
      UnStyledButton,
      { type: "button", className: "gateway-add-tab", onClick: addTab, "aria-label": "Add tab" },
      element(PlusIcon, { "aria-hidden": "true" }),
    ),
  );
}

/** Opens the search in the docs on Ctrl-K or ⌘ K, and has it say so. */
export function openSearchByKey() {
  const { title } = DOC_EXPLORER_PLUGIN;
  addEventListener(
    "keydown",
    (event) => {
      if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey) return;
      if (!(IS_MAC ? event.metaKey : event.ctrlKey)) return;
      event.preventDefault();
      event.stopPropagation();
      document.querySelector(`button[aria-label="Show ${title}"]`)?.click();
      // Where the docs were closed, they are drawn first.
      setTimeout(() => document.querySelector(SEARCH)?.focus());
    },
    true,
  );
  whenDrawn(() => {
    const search = document.querySelector(SEARCH);
    if (search) search.placeholder = SEARCH_KEY;
  });
}

/** Names GraphiQL's dialogs by their titles: a screen reader would find them nameless. */
export function nameDialogs() {
  whenDrawn(() => {
    for (const dialog of document.querySelectorAll("reach-portal [role=dialog]")) {
      const title = dialog.querySelector(".graphiql-dialog-title");
      if (title) dialog.setAttribute("aria-label", title.textContent);
    }
  });
}

function whenDrawn(change) {
  new MutationObserver(change).observe(document.body, { childList: true, subtree: true });
}
