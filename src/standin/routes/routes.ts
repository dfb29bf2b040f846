import type { Route } from '../http/router.ts';
import type { Site } from '../site.ts';
import { accountRoutes } from './account-routes.ts';
import { actionsRoutes } from './actions-routes.ts';
import { appRoutes } from './app-routes.ts';
import { checkRunRoutes } from './check-run-routes.ts';
import { checkSuiteRoutes } from './check-suite-routes.ts';
import { commentRoutes } from './comment-routes.ts';
import { commitRoutes } from './commit-routes.ts';
import { contentRoutes } from './content-routes.ts';
import { dependencyRoutes } from './dependency-routes.ts';
import { gitObjectRoutes } from './git-object-routes.ts';
import { gitRefRoutes } from './git-ref-routes.ts';
import { graphqlRoutes } from './graphql-routes.ts';
import { hookRoutes } from './hook-routes.ts';
import { issueRoutes } from './issue-routes.ts';
import { labelRoutes } from './label-routes.ts';
import { pullRoutes } from './pull-routes.ts';
import { reactionRoutes } from './reaction-routes.ts';
import { repositoryRoutes } from './repository-routes.ts';
import { reviewRoutes } from './review-routes.ts';
import { teamRoutes } from './team-routes.ts';

/** All of the REST API. Where two patterns fit a path, the first one counts. */
export function allRoutes(site: Site): Route[] {
  return [
    appRoutes,
    hookRoutes,
    accountRoutes,
    repositoryRoutes,
    teamRoutes,
    commentRoutes,
    reactionRoutes,
    labelRoutes,
    issueRoutes,
    dependencyRoutes,
    checkRunRoutes,
    checkSuiteRoutes,
    actionsRoutes,
    gitRefRoutes,
    gitObjectRoutes,
    reviewRoutes,
    pullRoutes,
    commitRoutes,
    contentRoutes,
    graphqlRoutes,
  ].flatMap((routesOf) => routesOf(site));
}
