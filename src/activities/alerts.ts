import { Context, activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { NotDelivered, type AlertDestination } from '../alerts/destination.ts';
import type { Alert, Destination } from '../domain/alerts.ts';
import type { Logger } from '../logging.ts';

export interface AlertSending {
  readonly destination: Destination;
  readonly alerts: readonly Alert[];
}

export type AlertSent =
  | { readonly kind: 'delivered'; readonly paceMs: number }
  /** It will never be taken. */
  | { readonly kind: 'refused'; readonly why: string; readonly paceMs: number };

export interface AlertActivityDependencies {
  readonly alertDestinations: Readonly<Partial<Record<Destination, AlertDestination>>>;
  readonly log: Logger;
}

export function createAlertActivities({ alertDestinations, log }: AlertActivityDependencies) {
  return {
    /** One message to one destination. What is worth another try is thrown, with the wait that was asked for. */
    async sendAlerts({ destination, alerts }: AlertSending): Promise<AlertSent> {
      const to = alertDestinations[destination];
      if (!to) throw new Error(`this worker's environment names no ${destination} for alerts`);
      const { paceMs } = to;
      // Whether an earlier try may have arrived; a try that is cut off leaves it standing.
      const mayBeRepeat = activityInfo().heartbeatDetails === true;
      const { heartbeat } = Context.current();
      heartbeat(true);
      try {
        await to.send({ alerts, mayBeRepeat });
      } catch (error) {
        if (!(error instanceof NotDelivered)) throw error;
        const { why, message, retryAfterMs } = error;
        const ids = alerts.map(({ id }) => id);
        log.warn(
          { event: 'alert-not-delivered', destination, alertIds: ids, why },
          `alert not delivered: ${message}`,
        );
        if (why === 'refused') return { kind: 'refused', why: message, paceMs };
        heartbeat(mayBeRepeat || why === 'unsure');
        throw ApplicationFailure.create({
          message: `${destination}: ${message}`,
          type: 'AlertNotDelivered',
          ...(retryAfterMs === null ? {} : { nextRetryDelay: retryAfterMs }),
        });
      }
      const kinds = alerts.map(({ kind }) => kind);
      log.info({ event: 'alert-delivered', destination, kinds }, `told ${destination}: ${kinds.join(', ')}`);
      return { kind: 'delivered', paceMs };
    },
  };
}
