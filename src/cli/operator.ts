import { userInfo } from 'node:os';

/** Name of the operating system's user; a user id without a name, as in containers, is told by its number. */
export function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
