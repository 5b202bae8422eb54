import { register } from 'tsx/esm/api';

/** The paper exchange in a process of its own, with more keys and room than `holdfast paper` gives. */
register();
await import('./paper.ts');
