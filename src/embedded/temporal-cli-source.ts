/** How an attempt to get the Temporal CLI ended; a reason is one line for people. */
export type Obtained = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Puts the CLI of this version at `target`, atomically, or tells why it can't. */
export type ObtainTemporalCli = (request: {
  readonly target: string;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  /** Gives up; the answer is then a refusal. */
  readonly signal?: AbortSignal | undefined;
  /** One line about what is going on, several times while it lasts. */
  readonly onProgress: (line: string) => void;
}) => Promise<Obtained>;
