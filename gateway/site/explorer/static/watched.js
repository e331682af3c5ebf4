// A value that components can watch.

const { useEffect, useState } = window.React;

export function watched(value) {
  const watchers = new Set();
  return {
    get: () => value,
    set(next) {
      value = next;
      watchers.forEach((watcher) => watcher(next));
    },
    use() {
      const [seen, see] = useState(value);
      useEffect(() => {
        see(value);
        watchers.add(see);
        return () => watchers.delete(see);
      }, []);
      return seen;
    },
  };
}
