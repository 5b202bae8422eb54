import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from '../faults.ts';

const HELD_FOR_MS = 120_000;

/** Never answers; the connection is let go when the client does, or after two minutes. */
export function hold(request: IncomingMessage): void {
  const timer = setTimeout(() => request.socket.destroy(), HELD_FOR_MS);
  timer.unref();
  request.socket.once('close', () => clearTimeout(timer));
}

/** Loses or mangles the answer to a call that was carried out. */
export function answerAfterFault(
  fault: Fault,
  request: IncomingMessage,
  response: ServerResponse,
  answer: { readonly error: readonly string[]; readonly result?: unknown },
): void {
  switch (fault.kind) {
    case 'drop-after':
      hold(request);
      break;
    case 'reset-after':
      request.socket.resetAndDestroy();
      break;
    case 'http-502-after':
      sendHtml(response, 502, 'Bad gateway');
      break;
    case 'http-520-after':
      sendHtml(response, 520, 'Web server is returning an unknown error');
      break;
    case 'html-200-after':
      sendHtml(response, 200, 'Checking your browser');
      break;
    default: {
      const text = JSON.stringify({ ...answer, error: [...answer.error, 'WGeneral:Danger'] });
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(text);
    }
  }
}

function sendHtml(response: ServerResponse, status: number, title: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=UTF-8' });
  response.end(
    `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`,
  );
}
