import { register } from 'tsx/esm/api';

// A child doesn't inherit how its process loads TypeScript.
register();
await import('./step.ts');
