import { describe, expect, it } from 'vitest';
import { holdfast } from '../support/up.ts';

describe('shell completion', () => {
  it('offers commands, options and the values that are allowed', async () => {
    const offered = async (...words: string[]) =>
      (await holdfast('complete', '--', ...words)).stdout.split('\n').map((line) => line.split('\t')[0]);
    expect(await offered('pos')).toContain('positions');
    expect(await offered('open', '--s')).toEqual(expect.arrayContaining(['--symbol', '--side']));
    expect(await offered('positions', '--status', '')).toEqual(
      expect.arrayContaining(['open', 'closed', 'all']),
    );
  });

  it.each(['bash', 'zsh', 'fish', 'powershell'])('prints a script for %s', async (shell) => {
    const { code, stdout } = await holdfast('completion', shell);
    expect({ code, namesUs: stdout.includes('holdfast') }).toEqual({ code: 0, namesUs: true });
  });

  it('names the shells when asked for another', async () => {
    const { code, stderr } = await holdfast('completion', 'csh');
    expect(code).toBe(1);
    expect(stderr).toMatch(/csh.*zsh, bash, fish/);
  });
});
