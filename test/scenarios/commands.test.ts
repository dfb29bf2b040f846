import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUDGETS } from '../../src/domain/timings.ts';
import { until } from '../support/until.ts';
import { OWNER, REPOSITORY, startYard } from '../support/yard.ts';

/** One coordinator for all; each test has an issue of its own, and people of its own where their number of commands counts. */
let yard: Awaited<ReturnType<typeof startYard>>;
beforeAll(async () => {
  yard = await startYard();
  yard.github.createUser('mallory');
}, 120_000);
afterAll(() => yard[Symbol.asyncDispose]());

async function anIssue(labels: string[] = []): Promise<number> {
  const { number } = await yard.github
    .as(OWNER)
    .openIssue({ repository: REPOSITORY, title: 'A discount is wrong', body: 'Really.', labels });
  yard.github.createUser(writerOf(number));
  yard.github.setRole(REPOSITORY, writerOf(number), 'write');
  return number;
}

function writerOf(issue: number): string {
  return `writer-${issue}`;
}

/** Comments, and waits until all that follows from it is done. Answers the comment's id. */
async function say(issue: number, body: string, login = writerOf(issue)): Promise<number> {
  const { id } = await yard.github.as(login).comment(REPOSITORY, issue, body);
  await settle();
  return id;
}

async function settle(): Promise<void> {
  await yard.github.webhooks.idle();
  await yard.coordinator.inboxWorker.idle();
  await yard.coordinator.outbox.runDue();
}

function reactionsOf(issue: number, commentId: number): string[] {
  const comment = yard.github.state.comments(REPOSITORY, issue).find(({ id }) => id === commentId);
  const counts = Object.entries(comment?.reactions ?? {});
  return counts.flatMap(([name, count]) =>
    ['eyes', 'rocket', 'confused'].includes(name) && count === 1 ? [name] : [],
  );
}

/** What the bot has answered to commands, without the status comment. */
function answersOf(issue: number): string[] {
  return yard.github.state
    .comments(REPOSITORY, issue)
    .filter(
      ({ user, body }) => user?.login === yard.github.app.botLogin && body?.includes('yardmaster:answer'),
    )
    .map(({ body }) => body ?? '');
}

/** Oldest first. */
async function jobsOf(issue: number) {
  const { id } = yard.github.state.repository(REPOSITORY);
  return (await yard.coordinator.store.jobs.ofIssue(id, issue, 30)).toReversed();
}

describe('in a review', () => {
  test('commands in a thread are answered there, those in the text of the review below it', async () => {
    const { github } = yard;
    const login = writerOf(await anIssue());
    await github.as(login).pushFiles(REPOSITORY, 'topic', { 'notes.md': 'One\nTwo\n' }, 'Notes');
    const { number } = await github.as(login).openPullRequest(REPOSITORY, { title: 'Notes', head: 'topic' });

    await github.as(OWNER).reviewPullRequest(REPOSITORY, number, {
      event: 'COMMENT',
      body: '/agent runners',
      comments: [{ path: 'notes.md', line: 2, body: 'Hm.\n\n/agent stats' }],
    });
    await settle();
    const [asked] = github.state.reviewComments(REPOSITORY, number);
    await github.as(OWNER).replyToReview(REPOSITORY, number, asked?.id ?? 0, '/agent help');
    await settle();

    const [first, answer, again, help, ...more] = github.state.reviewComments(REPOSITORY, number);
    expect(first?.reactions).toMatchObject({ confused: 1 });
    expect(answer).toMatchObject({ in_reply_to_id: first?.id, user: { login: github.app.botLogin } });
    expect(answer?.body).toMatch(/😕[^]*Did you mean `\/agent status`/);
    expect(again?.reactions).toMatchObject({ rocket: 1 });
    expect(help?.body).toContain('| Command | What it does |');
    expect(more).toEqual([]);
    expect(answersOf(number)).toEqual([expect.stringMatching(/yardmaster:answer [^>]*review=/)]);
  });
});

describe('a command that is carried out', () => {
  test('run starts a job with the specialty, agent, model and instructions of the comment', async () => {
    const issue = await anIssue();

    const comment = await say(
      issue,
      'Please:\n\n/Agent RUN frontend --agent house --model sonnet -- keep it small\nand quick',
    );

    const [job] = await jobsOf(issue);
    expect(job).toMatchObject({
      state: 'queued',
      specialty: 'frontend',
      requestedBy: writerOf(issue),
      instructions: 'keep it small\nand quick',
      settings: { agent: 'house', model: 'sonnet' },
    });
    // 👀 comes first, unless the decision was faster.
    expect(reactionsOf(issue, comment)).toContain('rocket');
    expect(answersOf(issue)).toEqual([]);
  });

  test('run without a specialty takes the one of the issue’s label, whose removal cancels the job', async () => {
    const issue = await anIssue(['agent:backend']);
    await settle();
    await say(issue, '/agent cancel');

    await say(issue, '/agent run');
    expect((await jobsOf(issue)).map(({ state, specialty }) => [state, specialty])).toEqual([
      ['cancelled', 'backend'],
      ['queued', 'backend'],
    ]);
    await yard.github.as(OWNER).removeLabel(REPOSITORY, issue, 'agent:backend');
    await settle();

    expect((await jobsOf(issue)).map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
  });

  test('retry starts the last job again, with its instructions', async () => {
    const issue = await anIssue();
    await say(issue, '/agent run backend -- only the totals');
    await say(issue, '/agent cancel');

    const comment = await say(issue, '/agent retry');

    const jobs = await jobsOf(issue);
    expect(jobs.map(({ state, instructions }) => [state, instructions])).toEqual([
      ['cancelled', 'only the totals'],
      ['queued', 'only the totals'],
    ]);
    expect(jobs[1]?.previousJobId).toBe(jobs[0]?.id);
    expect(reactionsOf(issue, comment)).toContain('rocket');
  });

  test('hold, unhold and priority change how a job waits', async () => {
    const issue = await anIssue();
    await say(issue, '/agent run backend');

    await say(issue, '/agent hold\n/agent priority high');
    expect(await jobsOf(issue)).toMatchObject([{ state: 'held', priority: 10 }]);
    await say(issue, '/agent unhold');

    expect(await jobsOf(issue)).toMatchObject([{ state: 'queued', priority: 10 }]);
  });

  test('several lines are carried out together', async () => {
    const issue = await anIssue();

    const comment = await say(issue, '/agent run backend\n/agent run frontend -- the page, too\n/agent help');

    expect((await jobsOf(issue)).map(({ specialty }) => specialty).sort()).toEqual(['backend', 'frontend']);
    expect(reactionsOf(issue, comment)).toContain('rocket');
    expect(answersOf(issue)).toHaveLength(1);
  });

  test('a comment that is delivered twice is carried out and answered once', async () => {
    const issue = await anIssue();
    await say(issue, '/agent run backend\n/agent status');
    await say(issue, '/agent cancel');
    for (const { id, event } of yard.github.webhooks.deliveries().slice(-12)) {
      if (event === 'issue_comment') yard.github.webhooks.redeliver(id);
    }
    await settle();

    expect(await jobsOf(issue)).toMatchObject([{ state: 'cancelled' }]);
    expect(answersOf(issue)).toHaveLength(1);
  });
});

describe('questions', () => {
  test('help, status, runners and why are answered in one comment', async () => {
    const issue = await anIssue();
    await say(issue, '/agent run backend');

    await say(issue, '/agent help\n/agent status\n/agent runners\n/agent why');

    const [answer, ...more] = answersOf(issue);
    expect(more).toEqual([]);
    expect(answer).toContain('| `/agent retry [specialty] [--anyway]` |');
    expect(answer).toMatch(/⏳ \*\*backend\*\*: waiting for a runner · place \d+ in the queue/);
    expect(answer).toMatch(/This month in the repository[^]*\| `backend` \| \d+ \| 0 \| \$0\.00 \| 0 \|/);
    expect(answer).toContain('No runner is registered yet');
    expect(answer).toContain('has write access; starting work needs');
    expect(answer).toContain('none is needed; it was asked for by a command');
    expect(answer).toContain('✅ Settings: without mistakes.');
    expect(answer).toContain(
      '✅ Budget: the settings limit no day. At most 120 minutes, 200 turns and $20.00',
    );
    expect(answer).toContain('❌ Runners for `backend`: none.');
    expect(answer).toContain('estimated start: unknown');
  });

  test('on an issue without work say what starts it', async () => {
    const issue = await anIssue();

    await say(issue, '/agent why');
    await say(issue, '/agent status');

    expect(answersOf(issue)[0]).toContain('No work was asked for on this issue yet');
    expect(answersOf(issue)[0]).toContain('❌ Label: none that stands for a specialty.');
    expect(answersOf(issue)[1]).toContain(
      'No work was asked for on this issue yet. To start it, write `/agent run`.',
    );
  });
});

describe('a command that is not carried out', () => {
  test('with a mistake in one line, nothing of the comment is done, and the answer mends it', async () => {
    const issue = await anIssue();

    const comment = await say(issue, '/agent run backend\n/agent cnacel');

    expect(await jobsOf(issue)).toEqual([]);
    expect(reactionsOf(issue, comment)).toContain('confused');
    expect(answersOf(issue)).toEqual([expect.stringContaining('Did you mean `/agent cancel`?')]);
  });

  test('if one line can’t be carried out, none is', async () => {
    const issue = await anIssue();

    await say(issue, '/agent run backend\n/agent run bakend');

    expect(await jobsOf(issue)).toEqual([]);
    expect(answersOf(issue)).toEqual([expect.stringContaining('Did you mean `backend`?')]);
  });

  test('somebody without write access is told so once, whatever GitHub’s webhook calls them', async () => {
    const issue = await anIssue();

    const comment = await say(issue, '/agent run backend', 'mallory');
    await say(issue, '/agent retry', 'mallory');

    expect(await jobsOf(issue)).toEqual([]);
    expect(reactionsOf(issue, comment)).toContain('confused');
    expect(answersOf(issue)).toEqual([
      expect.stringContaining('`mallory` may only read `octavia/corner-shop`'),
    ]);
  });

  test('in quotes, lists, code, HTML or edits it is no command at all', async () => {
    const issue = await anIssue();
    const bodies = [
      '> /agent run backend',
      '- /agent run backend',
      '```\n/agent run backend\n```',
      '<div>\n/agent run backend\n</div>',
      'text <!--\n/agent run backend\n-->',
      'see `code\n/agent run backend\n`',
      'I use /agent run backend often',
    ];

    const comments = [];
    for (const body of bodies) comments.push(await say(issue, body));
    const edited = await say(issue, 'nothing');
    await yard.github.as(OWNER).editComment(REPOSITORY, edited, '/agent run backend');
    await settle();

    expect(await jobsOf(issue)).toEqual([]);
    expect([...comments, edited].flatMap((id) => reactionsOf(issue, id))).toEqual([]);
  });

  test('run on a closed issue, on a pull request, or while work is under way says what to do', async () => {
    const [closed, busy] = [await anIssue(), await anIssue()];
    await yard.github.as(OWNER).closeIssue(REPOSITORY, closed);
    await yard.github.as(OWNER).pushFiles(REPOSITORY, 'feature', { 'x.txt': 'x\n' }, 'Add x');
    const pull = await yard.github.as(OWNER).openPullRequest(REPOSITORY, { title: 'Mine', head: 'feature' });
    await say(busy, '/agent run backend');

    await say(closed, '/agent run backend');
    await say(busy, '/agent run backend');
    await say(pull.number, '/agent run backend', OWNER);
    await say(pull.number, '/agent fix the colours', OWNER);

    expect(answersOf(closed)[0]).toContain('Reopen it');
    expect(answersOf(busy)[0]).toContain('under way on this issue already');
    await yard.github.as(OWNER).addLabel(REPOSITORY, busy, 'agent:backend');
    await settle();
    const comments = yard.github.state.comments(REPOSITORY, busy).map(({ body }) => body ?? '');
    expect(comments.find((body) => body.startsWith('<!-- yardmaster:status'))).toContain(
      `⚠️ ${OWNER} added the label "agent:backend" while this work was under way`,
    );
    expect(answersOf(pull.number)[0]).toContain('starts work on issues');
    expect(answersOf(pull.number)[1]).toContain('is no pull request of Yardmaster');
  });

  test('too many comments are answered once more, and then not at all', async () => {
    yard.github.createUser('nora');
    yard.github.setRole(REPOSITORY, 'nora', 'write');
    const issue = await anIssue();

    for (let count = 0; count < BUDGETS.commandsPerPerson + 3; count += 1) {
      await yard.github.as('nora').comment(REPOSITORY, issue, '/agent unhold');
    }
    await settle();

    const answers = await until('the limit is told', () => {
      const found = answersOf(issue);
      return found.some((text) => text.includes('and that is the most')) && found;
    });
    expect(answers).toHaveLength(BUDGETS.commandsPerPerson + 1);
  });
});
