import { buildWithGo } from './go-build.ts';
import type { ObtainTemporalCli } from './temporal-cli-source.ts';
import { temporalToolsDir } from './temporal-cli-version.ts';

/** Builds the CLI from the pinned module: 3 to 5 minutes on two cores, most of it compiling. */
export const buildTemporalCli: ObtainTemporalCli = async ({ version, ...request }) =>
  buildWithGo({
    ...request,
    what: `the Temporal CLI ${version} (3 to 5 minutes)`,
    moduleDir: temporalToolsDir,
    packageName: 'github.com/temporalio/cli/cmd/temporal',
  });
