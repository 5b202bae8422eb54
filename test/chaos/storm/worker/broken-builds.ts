/** Names of the builds that are wrong on purpose. */
export const BROKEN_BUILDS = ['no-look-up', 'no-intent'] as const;
export type BrokenBuild = (typeof BROKEN_BUILDS)[number];
