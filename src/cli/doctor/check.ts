export type CheckStatus = 'ok' | 'warning' | 'failed';

export interface Verdict {
  readonly status: CheckStatus;
  /** One line for people: what was seen and, unless all is well, how to put it right. */
  readonly detail: string;
}

export interface CheckResult extends Verdict {
  readonly name: string;
}

/** Throwing is failing: the first line of the message is the detail. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<Verdict>;
}

export const ok = (detail: string): Verdict => ({ status: 'ok', detail });
export const warning = (detail: string): Verdict => ({ status: 'warning', detail });
export const failed = (detail: string): Verdict => ({ status: 'failed', detail });

export async function runCheck({ name, run }: Check): Promise<CheckResult> {
  try {
    return { name, ...(await run()) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { name, ...failed(message.split('\n')[0] ?? 'failed') };
  }
}
