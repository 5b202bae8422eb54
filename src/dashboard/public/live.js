/** Listens to the server's events, and again after whatever cut the line. */

const AGAIN_AFTER_MS = 2_000;

/** `on` maps event names to handlers; `connection(isUp)` hears of the line itself. */
export function listen(on, connection) {
  let source = null;
  let timer = 0;

  function connect() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource('/api/stream');
    source.addEventListener('open', () => connection(true));
    source.addEventListener('error', () => {
      connection(false);
      // After an answer that is no stream the browser gives up for good.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, AGAIN_AFTER_MS);
    });
    for (const [name, handler] of Object.entries(on)) {
      source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
    }
  }

  connect();
  window.addEventListener('pagehide', () => source.close());
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) connect();
  });
}
