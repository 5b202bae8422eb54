import { register } from 'tsx/esm/api';

// A thread doesn't inherit how its process loads TypeScript.
register();
await import('./thread.ts');
