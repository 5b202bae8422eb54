import type { Config } from '../config.ts';
import type { Destination } from '../domain/alerts.ts';
import { discord, telegram } from './chat.ts';
import type { AlertDestination } from './destination.ts';
import { webhook } from './webhook.ts';

/**
 * Messages a minute that each takes from one sender without complaint: Telegram says 20 for a group, Discord 30
 * for a webhook. A program takes more.
 */
const PER_MINUTE: Readonly<Record<Destination, number>> = { webhook: 300, telegram: 20, discord: 25 };

/** The destinations that the environment names. */
export function alertDestinations(config: Config): Partial<Record<Destination, AlertDestination>> {
  const paceOf = (destination: Destination) =>
    Math.ceil(60_000 / (config.HOLDFAST_ALERTS_PER_MINUTE ?? PER_MINUTE[destination]));
  const {
    HOLDFAST_ALERT_WEBHOOK_URL: webhookUrl,
    HOLDFAST_ALERT_WEBHOOK_SECRET: secret,
    HOLDFAST_ALERT_TELEGRAM_TOKEN: token,
    HOLDFAST_ALERT_TELEGRAM_CHAT: chatId,
    HOLDFAST_ALERT_TELEGRAM_URL: apiUrl,
    HOLDFAST_ALERT_DISCORD_URL: discordUrl,
  } = config;
  return {
    ...(webhookUrl === undefined
      ? {}
      : { webhook: webhook({ url: webhookUrl, secret, paceMs: paceOf('webhook') }) }),
    ...(token === undefined || chatId === undefined
      ? {}
      : { telegram: telegram({ apiUrl, token, chatId, paceMs: paceOf('telegram') }) }),
    ...(discordUrl === undefined ? {} : { discord: discord({ url: discordUrl, paceMs: paceOf('discord') }) }),
  };
}
