/** Listens to the server's events; the browser reconnects by itself. */

/** `on` maps event names to handlers; `connection(isUp)` hears of the line itself. */
export function listen(on, connection) {
  const source = new EventSource('/api/stream');
  source.addEventListener('open', () => connection(true));
  source.addEventListener('error', () => connection(false));
  for (const [name, handler] of Object.entries(on)) {
    source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
  }
  window.addEventListener('pagehide', () => source.close());
}
