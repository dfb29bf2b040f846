/**
 * `npm run bench:workspaces`: a new workspace on a warm mirror, one and ten at once, in a small and in a large repository, beside the floors (the
 * bare files; a bare git directory on the mirror) and what a runner without mirrors would do. All in the same rounds, in turn from either end, and
 * compared round by round: on a busy machine only ratios mean anything. A round of a pull request that finds its workspace warm, beside one that has to
 * install again (here: to write the files; a real installation also asks a registry). Then what a first workspace fetches, with and without `checkout.partial`,
 * and how many of many fetches at once fail. The repositories are made up, and served over HTTP by git's own program. Nothing here is part of the
 * tests. `BENCH_ROUNDS`, `BENCH_FETCHES`, `BENCH_ONLY` (the name of a repository below) make it shorter or longer.
 */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { AttemptId } from '../src/contract/identifiers.ts';
import type { Checkout, JobSpec } from '../src/contract/job.ts';
import { DEFAULT_JOB_SETTINGS } from '../src/domain/repo-settings.ts';
import type { Workspace } from '../src/runner/workspace/workspace-types.ts';
import { aRevision } from '../test/support/job-builders.ts';
import { gitIn, startYard, TOKEN, type WorkspaceYard } from '../test/support/workspaces.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7);
const FETCHES = Number(process.env['BENCH_FETCHES'] ?? 100);
const FOLDERS = 40;
/** As many files as a middling `node_modules`. */
const INSTALLED = 8000;
const AT_ONCE = 10;
/** `large`: 3,950 files and about 137 MB of history that does not compress. */
const REPOSITORIES = [
  { name: 'small', files: 1500, commits: 20, fileBytes: 700 },
  { name: 'large', files: 3950, commits: 68, fileBytes: 4500 },
].filter(({ name }) => (process.env['BENCH_ONLY'] ?? name) === name);
type Repository = (typeof REPOSITORIES)[number];

/** Goals of docs for ours: at most so many times what another way takes. `null`: only to look at. */
const GOALS: readonly { ours: string; other: string; goal: number | null }[] = [
  { ours: 'workspace', other: 'files only', goal: 1.5 },
  { ours: 'workspace', other: 'clone, depth 1', goal: 1 / 4 },
  { ours: 'workspace', other: 'full clone', goal: 1 / 20 },
  { ours: 'workspaces', other: 'files only, at once', goal: 1.3 },
  { ours: 'workspaces', other: 'bare git directories, at once', goal: null },
  { ours: 'round, warm', other: 'round, cold', goal: null },
];
/** Takes most of the time, and says the same in each round. */
const SLOW_ROUNDS = 2;

/** Does the work, and gives what undoes it, which is not measured. */
type Way = () => Promise<() => Promise<void>>;

const exec = promisify(execFile);
let branches = 0;

for (const repository of REPOSITORIES) await measureRepository(repository);

async function measureRepository(repository: Repository): Promise<void> {
  await using yard = await startYard();
  const scratch = await mkdtemp(path.join(tmpdir(), 'bench-'));
  try {
    await makeHistory(repository, yard, scratch);
    say(`${repository.name}: ${repository.files} files, ${repository.commits} commits, ${ROUNDS} rounds`);
    await reportCold(yard);
    const mirror = path.join(yard.root, 'mirrors', `${(await yard.spec()).repository.id}.git`);
    const bareFiles = 'git --git-dir="$2" archive main | tar -x -C "$1"';
    const bareGit =
      'git init --quiet "$1" && echo "$2/objects" > "$1/.git/objects/info/alternates" && cd "$1" && git read-tree -m -u "$3"';
    const commit = await yard.server.git('rev-parse', 'main');
    const files = intoFolder(scratch, bareFiles, mirror);
    const ways: Record<string, Way> = {
      workspace: toWorkspaceWay(yard, await makeSpecs(yard, ROUNDS)),
      'files only': files,
      workspaces: atOnce(toWorkspaceWay(yard, await makeSpecs(yard, ROUNDS * AT_ONCE))),
      'files only, at once': atOnce(files),
      'bare git directories, at once': atOnce(intoFolder(scratch, bareGit, mirror, commit)),
      'clone, depth 1': intoFolder(
        scratch,
        'git -c "$2" clone --quiet --depth 1 "$3" "$1"',
        ...toRemote(yard),
      ),
      'full clone': intoFolder(scratch, 'git -c "$2" clone --quiet "$3" "$1"', ...toRemote(yard)),
      'round, warm': await toWarmRounds(yard),
      'round, cold': toColdRounds(yard, await makeSpecs(yard, ROUNDS)),
    };
    report(await measure(ways));
    await reportFetches(yard);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Text that doesn't compress, a tenth of it new in each commit. */
async function makeHistory(
  { files, commits, fileBytes }: Repository,
  yard: WorkspaceYard,
  scratch: string,
): Promise<void> {
  const work = path.join(scratch, 'work');
  for (let folder = 0; folder < FOLDERS; folder += 1)
    await mkdir(path.join(work, `${folder}`), { recursive: true });
  await gitIn(work, 'init', '--quiet', '--initial-branch=main');
  for (let commit = 0; commit < commits; commit += 1) {
    for (let file = 0; file < files; file += 1) {
      if (commit > 0 && file % 10 !== commit % 10) continue;
      const text = randomBytes(fileBytes).toString('base64').replaceAll(/.{76}/g, '$&\n');
      await writeFile(path.join(work, `${file % FOLDERS}`, `${file}.txt`), `${text}\n`);
    }
    await gitIn(work, 'add', '--all');
    await gitIn(work, 'commit', '--quiet', '--message', `Change ${commit}`);
  }
  await gitIn(work, 'push', '--quiet', yard.server.repository, 'main');
  await rm(work, { recursive: true });
}

/** The first workspace of a repository on a machine: all of it is fetched, or what is checked out. */
async function reportCold(yard: WorkspaceYard): Promise<void> {
  const kinds: [string, Checkout][] = [
    ['all', {}],
    ['partial', { partial: true }],
    ['partial, one folder of 40', { partial: true, sparse: ['7'] }],
  ];
  for (const [name, checkout] of kinds) {
    const before = yard.server.sentBytes;
    const [spec] = await makeSpecs(yard, 1, checkout);
    if (spec === undefined) throw new Error('There is no spec');
    const startedMs = performance.now();
    const workspace = await yard.open(spec);
    const tookMs = performance.now() - startedMs;
    const megabytes = (yard.server.sentBytes - before) / 1e6;
    say(`first workspace, ${name}: ${tookMs.toFixed(0)} ms, ${megabytes.toFixed(1)} MB fetched`);
    await workspace.remove();
    // The next kind has a mirror of its own, or finds it without the contents that it wants.
    if (checkout.sparse === undefined && checkout.partial === true)
      await rm(path.join(yard.root, 'mirrors', `${spec.repository.id}.partial.git`), { recursive: true });
  }
}

/** Ten at once, each time with a commit that no mirror has. */
async function reportFetches(yard: WorkspaceYard): Promise<void> {
  let failures = 0;
  for (let done = 0; done < FETCHES; done += AT_ONCE) {
    await yard.server.commit('main', { 'new.txt': `${done}\n` });
    const specs = await makeSpecs(yard, AT_ONCE);
    const opened = await Promise.allSettled(specs.map((spec) => yard.open(spec)));
    failures += opened.filter(({ status }) => status === 'rejected').length;
    for (const result of opened) if (result.status === 'fulfilled') await result.value.remove();
  }
  say(
    `${FETCHES} workspaces, ${AT_ONCE} at once, each time after a new commit: ${failures} failed (goal: 0)\n`,
  );
}

/** Made before, since that is the coordinator's work. */
async function makeSpecs(yard: WorkspaceYard, count: number, checkout?: Checkout): Promise<JobSpec[]> {
  const settings = { ...DEFAULT_JOB_SETTINGS, ...(checkout === undefined ? {} : { checkout }) };
  const specs: JobSpec[] = [];
  for (let made = 0; made < count; made += 1)
    specs.push(await yard.spec({ branch: `agent/${(branches += 1)}-bench`, settings }));
  return specs;
}

function toWorkspaceWay(yard: WorkspaceYard, specs: JobSpec[]): Way {
  return async () => {
    const spec = specs.pop();
    if (spec === undefined) throw new Error('There are fewer specs than rounds');
    const workspace = await yard.open(spec);
    return () => workspace.remove();
  };
}

/** What was installed before is found by each round, and kept for the next. */
async function toWarmRounds(yard: WorkspaceYard): Promise<Way> {
  const [spec] = await makeSpecs(yard, 1);
  if (spec === undefined) throw new Error('There is no spec');
  const { counted: _counted, reviewers: _reviewers, runnerId: _runnerId, ...facts } = aRevision();
  const revision = { ...facts, baseCommit: spec.base.commit };
  const keep = (workspace: Workspace) =>
    workspace.keep({ head: spec.base.commit, session: { whyNot: 'there is none' } });
  const first = await yard.open(spec);
  await installInto(first);
  await keep(first);
  return async () => {
    const attemptId = AttemptId.parse(randomUUID());
    const workspace = await yard.open({ ...spec, attemptId, kind: 'revise', revision });
    const { found } = workspace;
    if ('whyNot' in found || 'whyNot' in found.setUp) throw new Error('There is nothing warm');
    await workspace.noteSetUp(found.setUp);
    return () => keep(workspace);
  };
}

function toColdRounds(yard: WorkspaceYard, specs: JobSpec[]): Way {
  return async () => {
    const spec = specs.pop();
    if (spec === undefined) throw new Error('There are fewer specs than rounds');
    const workspace = await yard.open(spec);
    await installInto(workspace);
    return () => workspace.remove();
  };
}

async function installInto(workspace: Workspace): Promise<void> {
  for (let made = 0; made < INSTALLED; made += 1) {
    const folder = path.join(workspace.folder, 'node_modules', `${made % 400}`);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, `${made}.js`), `export const value = ${made};\n`.repeat(40));
  }
  await workspace.noteSetUp({ commands: [['npm', 'ci']], commit: workspace.base });
}

function atOnce(way: Way): Way {
  return async () => {
    const undo = await Promise.all(Array.from({ length: AT_ONCE }, way));
    return async () => {
      for (const each of undo) await each();
    };
  };
}

/** `$1` is a new folder. */
function intoFolder(scratch: string, script: string, ...args: string[]): Way {
  let made = 0;
  return async () => {
    const folder = path.join(scratch, `${script.length}-${(made += 1)}`);
    await mkdir(folder);
    await exec('sh', ['-c', script, 'sh', folder, ...args]);
    return () => rm(folder, { recursive: true });
  };
}

function toRemote(yard: WorkspaceYard): [string, string] {
  const credentials = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');
  return [`http.extraHeader=Authorization: Basic ${credentials}`, yard.server.cloneUrl];
}

async function measure(ways: Readonly<Record<string, Way>>): Promise<Map<string, number>[]> {
  const rounds: Map<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const times = new Map<string, number>();
    const order = round % 2 === 0 ? Object.entries(ways) : Object.entries(ways).toReversed();
    for (const [name, way] of order) {
      if (name.includes('clone') && round >= SLOW_ROUNDS) continue;
      const startedMs = performance.now();
      const undo = await way();
      times.set(name, performance.now() - startedMs);
      await undo();
    }
    rounds.push(times);
  }
  return rounds;
}

function report(rounds: readonly Map<string, number>[]): void {
  say('ours | takes | beside | takes | ratio of ours | goal');
  for (const { ours, other, goal } of GOALS) {
    const pairs = rounds.flatMap((times) => {
      const [own, others] = [times.get(ours), times.get(other)];
      return own === undefined || others === undefined ? [] : [{ own, others }];
    });
    const ratios = pairs.map(({ own, others }) => own / others).toSorted((a, b) => a - b);
    const spread = `${median(ratios).toFixed(2)} (${ratios[0]?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)})`;
    const [owns, rest] = [pairs.map(({ own }) => own), pairs.map(({ others }) => others)];
    say([ours, toMs(owns), other, toMs(rest), spread, goal === null ? '' : `at most ${goal}`].join(' | '));
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function toMs(times: readonly number[]): string {
  return `${median(times.toSorted((a, b) => a - b)).toFixed(0)} ms`;
}
