/** The colours of the style sheet, for canvases. */

const NAMES = ['ink', 'muted', 'line', 'accent', 'gain', 'loss', 'warn', 'panel'];
const listeners = new Set();
let colours = null;

export function theme() {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colours;
}

export function onThemeChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  colours = null;
  for (const listener of listeners) listener();
});
