// What the browser remembers between visits: tabs, history, theme and sizes. Never headers.

const OURS = "track-invite-gateway/";
const TABS = "graphiql:tabState";
// GraphiQL's own copies of what the active tab holds.
const ACTIVE_TAB = { "graphiql:query": "query", "graphiql:variables": "variables" };
const HEADERS = "graphiql:headers";
// How much higher the editor is than the variables, so that all of an example can be seen.
const AT_FIRST = { "graphiql:secondaryEditorFlex": "2.4" };

/** A storage for GraphiQL: local if the browser lets us, else as long as the page. */
export function openMemory() {
  const memory = lasting() ?? passing();
  const ours = () => memory.names().filter((name) => name.startsWith(OURS));
  const read = (name) => memory.get(OURS + name);
  return {
    /** Whether an earlier visit left tabs to open. */
    hasTabs: () => activeTab(read(TABS)) !== null,
    get length() {
      return ours().length;
    },
    getItem(name) {
      if (name in ACTIVE_TAB) return activeTab(read(TABS))?.[ACTIVE_TAB[name]] ?? null;
      return read(name) ?? AT_FIRST[name] ?? null;
    },
    setItem(name, value) {
      if (name === HEADERS || name in ACTIVE_TAB) return;
      memory.set(OURS + name, withoutHeaders(value));
    },
    removeItem: (name) => memory.remove(OURS + name),
    clear: () => ours().forEach(memory.remove),
  };
}

// GraphiQL writes the editor's text and the tabs at different times, and opens one tab too many
// where the two disagree: the tabs alone are the truth.
function activeTab(text) {
  try {
    const { tabs, activeTabIndex } = JSON.parse(text);
    return tabs[activeTabIndex] ?? null;
  } catch {
    return null;
  }
}

// A token in the headers would otherwise be kept with the history of requests.
function withoutHeaders(value) {
  try {
    return JSON.stringify(JSON.parse(value, (name, held) => (name === "headers" ? null : held)));
  } catch {
    return value;
  }
}

function lasting() {
  try {
    const storage = window.localStorage;
    storage.getItem(OURS);
    return {
      get: (name) => storage.getItem(name),
      set: (name, value) => storage.setItem(name, value),
      remove: (name) => storage.removeItem(name),
      names: () => Object.keys(storage),
    };
  } catch {
    return null;
  }
}

function passing() {
  const held = new Map();
  return {
    get: (name) => held.get(name) ?? null,
    set: (name, value) => held.set(name, value),
    remove: (name) => held.delete(name),
    names: () => [...held.keys()],
  };
}
