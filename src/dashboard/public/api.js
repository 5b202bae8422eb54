/** Talks to our own server. The token stays in this tab and travels in a header only. */

const TOKEN_KEY = 'holdfast-dashboard-token';

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function hasToken() {
  return sessionStorage.getItem(TOKEN_KEY) !== null;
}

export function keepToken(token) {
  if (token === null) sessionStorage.removeItem(TOKEN_KEY);
  else sessionStorage.setItem(TOKEN_KEY, token);
}

export function get(path) {
  return ask(path, {});
}

/** Forgets the token when the server does not know it. */
export async function post(path, body) {
  try {
    return await ask(path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${sessionStorage.getItem(TOKEN_KEY) ?? ''}`,
      },
      body: JSON.stringify(body),
    });
  } catch (error) {
    if (error.status === 401) keepToken(null);
    throw error;
  }
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { cache: 'no-store', ...options });
  } catch {
    throw new ApiError(0, 'unreachable', 'the dashboard server does not answer');
  }
  const answer = await response.json().catch(() => null);
  if (response.ok || path === '/healthz') return answer;
  throw new ApiError(
    response.status,
    answer?.error?.code ?? 'failed',
    answer?.error?.message ?? `HTTP status ${response.status}`,
  );
}
