import type { AppRegistration } from '../app-registration.ts';
import type { Objects } from '../git/objects.ts';
import type { Writer } from '../git/writer.ts';
import type { World } from '../world.ts';
import { createAccountShapes } from './account-shapes.ts';
import { createCheckShapes } from './check-shapes.ts';
import { createCommitShapes } from './commit-shapes.ts';
import { createInstallationShapes } from './installation-shapes.ts';
import { createIssueShapes } from './issue-shapes.ts';
import type { Links } from './links.ts';
import { createPullShapes } from './pull-shapes.ts';
import { createRepositoryShapes } from './repository-shapes.ts';

/** Everything that turns the stand-in's state into GitHub's JSON, by subject. */
export function createShapes(deps: {
  world: World;
  links: Links;
  app: AppRegistration;
  objects: Objects;
  writer: Writer;
}) {
  const accounts = createAccountShapes(deps);
  const repositories = createRepositoryShapes({ ...deps, accounts });
  const issues = createIssueShapes({ accounts, repositories });
  const commits = createCommitShapes({ ...deps, accounts, repositories });
  return {
    accounts,
    repositories,
    issues,
    commits,
    checks: createCheckShapes({ accounts, repositories, commits }),
    pulls: createPullShapes({ ...deps, accounts, repositories, issues }),
    installations: createInstallationShapes({ ...deps, accounts, repositories }),
  };
}

export type Shapes = ReturnType<typeof createShapes>;
