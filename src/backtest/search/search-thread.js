import { register } from 'tsx/esm/api';

// A thread does not inherit the loader that bin/holdfast.js registers.
register();
await import('./search-work.ts');
