import { register } from 'tsx/esm/api';

/** `holdfast worker` as it is, in a process where the storm has its hooks. */
register();
const { installClock } = await import('./clock.ts');
installClock();
const { installHooks } = await import('./hooks.ts');
await installHooks();
await import('../../../../src/cli/index.ts');
