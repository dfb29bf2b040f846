import path from 'node:path';
import { styleText } from 'node:util';
import type { Standin } from '../standin/create-github-standin.ts';

/** What can be looked at and done while the demo stays up, as lines for the terminal. Makes a token for the commands among them. */
export function toWaysOn(
  github: Pick<Standin, 'url' | 'state' | 'createUserToken'>,
  demo: {
    /** Whose token it is. */
    owner: string;
    repository: string;
    /** Those that were opened, with numbers from 1. */
    issues: readonly [{ specialty: string; title: string }, ...{ specialty: string; title: string }[]];
    coordinatorUrl: string;
    folder: string;
  },
): string[] {
  const { repository, issues, folder } = demo;
  return [
    styleText('bold', '\nEverything stays up until Ctrl+C:'),
    `  repository     ${github.url}/${repository}`,
    ...issues.map((_, index) => `  issue          ${github.url}/${repository}/issues/${index + 1}`),
    ...github.state.pullRequests(repository).map((pull) => `  pull request   ${pull.html_url}`),
    `  coordinator    ${demo.coordinatorUrl}/health`,
    `  look inside    npx yardmaster jobs --data ${path.join(folder, 'data')}`,
    ...issues.map(({ specialty }) => `  runner.yml     ${path.join(folder, `${specialty}-pc.yml`)}`),
    styleText('bold', '\nTo do more, as a person on that GitHub, from another terminal:'),
    ...toRequests(github, demo).map((line) => `  ${line}`),
  ];
}

function toRequests(
  github: Parameters<typeof toWaysOn>[0],
  { owner, repository, issues: [{ specialty, title }] }: Parameters<typeof toWaysOn>[1],
): string[] {
  const token = github.createUserToken(owner);
  const wishes = [
    ['issues/1/comments', { body: '/agent status' }],
    ['issues', { title: `${title}, once more`, labels: [`agent:${specialty}`] }],
  ] as const;
  return wishes.map(
    ([where, body]) =>
      `curl -H 'authorization: Bearer ${token}' ${github.url}/repos/${repository}/${where} -d '${JSON.stringify(body)}'`,
  );
}
