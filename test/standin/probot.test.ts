import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createNodeMiddleware, Probot, ProbotOctokit } from 'probot';
import { expect, test } from 'vitest';
import { at, repo, startSetting } from './setting.ts';

/**
 * Probot and Octokit are other people's idea of GitHub: what they accept cannot be our own mistake made
 * twice.
 */
test('a Probot App answers a label with a comment and a check run', async () => {
  await using setting = await startSetting();
  const { standin } = setting;
  const probot = new Probot({
    appId: standin.app.id,
    privateKey: standin.app.privateKey,
    secret: standin.app.webhookSecret,
    baseUrl: `${standin.url}/api/v3`,
    logLevel: 'fatal',
    Octokit: ProbotOctokit.defaults((options: Record<string, unknown>) => ({
      ...options,
      throttle: { enabled: false },
      retry: { enabled: false },
    })),
  });
  const middleware = await createNodeMiddleware(
    (app) => {
      app.on('issues.labeled', async (context) => {
        await context.octokit.rest.issues.createComment(
          context.issue({ body: `On it: ${context.payload.label?.name}` }),
        );
        const ref = await context.octokit.rest.git.getRef(context.repo({ ref: 'heads/main' }));
        await context.octokit.rest.checks.create(
          context.repo({ name: 'Agent', head_sha: ref.data.object.sha }),
        );
      });
    },
    { probot, webhooksPath: '/hooks' },
  );
  const server = createServer((request, response) => void middleware(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  standin.webhooks.target(`http://127.0.0.1:${port}/hooks`);

  await standin.as('alice').openIssue({ repository: repo, title: 'Bug', labels: ['agent:backend'] });
  await standin.webhooks.idle();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));

  expect(standin.webhooks.deliveries().map(({ status }) => status)).toEqual(
    standin.webhooks.deliveries().map(() => 'OK'),
  );
  expect(standin.state.comments(repo, 1)).toMatchObject([
    { body: 'On it: agent:backend', user: { login: standin.app.botLogin } },
  ]);
  expect(standin.state.checkRuns(repo)).toMatchObject([{ name: 'Agent', status: 'queued' }]);
});

test('Octokit pages through a list to its end', async () => {
  await using setting = await startSetting();
  const { standin, token, app } = setting;
  for (let n = 0; n < 7; n += 1) await app('POST', `${at}/issues`, { title: `Issue ${n}` });
  const octokit = new ProbotOctokit({
    auth: { token },
    baseUrl: `${standin.url}/api/v3`,
    throttle: { enabled: false },
  });

  const all = await octokit.paginate(octokit.rest.issues.listForRepo, {
    owner: 'acme',
    repo: 'widgets',
    per_page: 3,
  });

  expect(all).toHaveLength(7);
});
