/** Null when there is no answer in time, or it fails: for what must not wait for a database that may be down. */
export async function answerWithin<T>(patienceMs: number, asked: Promise<T>): Promise<T | null> {
  const late = new Promise<null>((resolve) => setTimeout(resolve, patienceMs, null).unref());
  return Promise.race([asked.catch(() => null), late]);
}
