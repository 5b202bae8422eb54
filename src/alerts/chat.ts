import type { AlertDestination, AlertMessage } from './destination.ts';
import { post } from './post.ts';

/** Telegram and Discord: several alerts make one message, as plain text. */

export interface TelegramOptions {
  /** Origin of the Bot API. */
  readonly apiUrl: string;
  readonly token: string;
  readonly chatId: string;
  readonly paceMs: number;
}

export function telegram({ apiUrl, token, chatId, paceMs }: TelegramOptions): AlertDestination {
  return {
    paceMs,
    send: (message) =>
      post({
        url: `${apiUrl.replace(/\/+$/, '')}/bot${token}/sendMessage`,
        body: JSON.stringify({
          chat_id: chatId,
          text: textOf(message),
          link_preview_options: { is_disabled: true },
        }),
        read: (answer) => {
          const { description, parameters } = (answer ?? {}) as {
            description?: unknown;
            parameters?: { retry_after?: unknown };
          };
          return { words: description, retryAfterMs: inMs(parameters?.retry_after) };
        },
      }),
  };
}

export interface DiscordOptions {
  /** The channel's webhook address; it holds the channel's secret. */
  readonly url: string;
  readonly paceMs: number;
}

export function discord({ url, paceMs }: DiscordOptions): AlertDestination {
  return {
    paceMs,
    send: (message) =>
      post({
        url,
        // Nobody is pinged by what a name or a reason happens to contain.
        body: JSON.stringify({ content: textOf(message), allowed_mentions: { parse: [] } }),
        read: (answer) => {
          const { message: words, retry_after: seconds } = (answer ?? {}) as {
            message?: unknown;
            retry_after?: unknown;
          };
          return { words, retryAfterMs: inMs(seconds) };
        },
      }),
  };
}

function textOf({ alerts, mayBeRepeat }: AlertMessage): string {
  const lines = alerts.map(({ text }) => text);
  return (mayBeRepeat ? ['(may be a repeat)', ...lines] : lines).join('\n');
}

function inMs(seconds: unknown): number | undefined {
  return typeof seconds === 'number' ? seconds * 1_000 : undefined;
}
