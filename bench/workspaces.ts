/**
 * `npm run bench:workspaces`: a new workspace on a warm mirror, beside the floor (the bare files) and what a runner without mirrors would do.
 * All in the same rounds, in turn from either end, and compared round by round: on a busy machine only ratios mean anything. The repository is
 * made up, and served over HTTP by git's own program. Nothing here is part of the tests.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { JobSpec } from '../src/contract/job.ts';
import { gitIn, startYard, TOKEN } from '../test/support/workspaces.ts';

const FILES = Number(process.env['BENCH_FILES'] ?? 1500);
const FOLDERS = 40;
const COMMITS = 20;
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 9);
/** Goals of docs for ours: at most so many times what another way takes. */
const GOALS: Readonly<Record<string, number>> = {
  'files only': 1.5,
  'clone, depth 1': 1 / 4,
  'full clone': 1 / 20,
};

/** Does the work, and gives what undoes it, which is not measured. */
type Way = () => Promise<() => Promise<void>>;

const exec = promisify(execFile);
const yard = await startYard();
const scratch = await mkdtemp(path.join(tmpdir(), 'bench-'));
try {
  await makeHistory();
  const first = await yard.spec();
  await (await yard.open(first)).remove();
  const mirror = path.join(yard.root, 'mirrors', `${first.repository.id}.git`);
  const ways: Record<string, Way> = {
    workspace: await toWorkspaceWay(),
    'files only': intoFolder('git --git-dir="$2" archive main | tar -x -C "$1"', mirror),
    'clone, depth 1': intoFolder('git -c "$2" clone --quiet --depth 1 "$3" "$1"', ...toRemote()),
    'full clone': intoFolder('git -c "$2" clone --quiet "$3" "$1"', ...toRemote()),
  };
  report(await measure(ways));
} finally {
  await rm(scratch, { recursive: true, force: true });
  await yard[Symbol.asyncDispose]();
}

/** Text that doesn't compress to nothing, a tenth of it new in each commit. */
async function makeHistory(): Promise<void> {
  const work = path.join(scratch, 'work');
  for (let folder = 0; folder < FOLDERS; folder += 1)
    await mkdir(path.join(work, `${folder}`), { recursive: true });
  await gitIn(work, 'init', '--quiet', '--initial-branch=main');
  for (let commit = 0; commit < COMMITS; commit += 1) {
    for (let file = 0; file < FILES; file += 1) {
      if (commit > 0 && file % 10 !== commit % 10) continue;
      const lines = Array.from({ length: 120 }, (_, line) =>
        ((file + 1) * (line + 7) * (commit + 13) * 7919).toString(36),
      );
      await writeFile(path.join(work, `${file % FOLDERS}`, `${file}.txt`), `${lines.join('\n')}\n`);
    }
    await gitIn(work, 'add', '--all');
    await gitIn(work, 'commit', '--quiet', '--message', `Change ${commit}`);
  }
  await gitIn(work, 'push', '--quiet', yard.server.repository, 'main');
  await rm(work, { recursive: true });
}

/** Its specs are made before, since that is the coordinator's work. */
async function toWorkspaceWay(): Promise<Way> {
  const specs: JobSpec[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    specs.push(await yard.spec({ branch: `agent/${round + 1}-bench` }));
  return async () => {
    const spec = specs.pop();
    if (spec === undefined) throw new Error('There are fewer specs than rounds');
    const workspace = await yard.open(spec);
    return () => workspace.remove();
  };
}

/** `$1` is a new folder. */
function intoFolder(script: string, ...args: string[]): Way {
  let made = 0;
  return async () => {
    const folder = path.join(scratch, `${script.length}-${(made += 1)}`);
    await mkdir(folder);
    await exec('sh', ['-c', script, 'sh', folder, ...args]);
    return () => rm(folder, { recursive: true });
  };
}

function toRemote(): [string, string] {
  const credentials = Buffer.from(`x-access-token:${TOKEN}`).toString('base64');
  return [`http.extraHeader=Authorization: Basic ${credentials}`, yard.server.cloneUrl];
}

async function measure(ways: Readonly<Record<string, Way>>): Promise<Map<string, number>[]> {
  const rounds: Map<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const times = new Map<string, number>();
    const order = round % 2 === 0 ? Object.entries(ways) : Object.entries(ways).toReversed();
    for (const [name, way] of order) {
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
  const rows = Object.entries(GOALS).map(([name, goal]) => {
    const ratios = rounds.map((times) => (times.get('workspace') ?? NaN) / (times.get(name) ?? NaN));
    const sorted = ratios.toSorted((a, b) => a - b);
    return [
      name,
      toMs(rounds.map((times) => times.get(name) ?? NaN)),
      `${median(sorted).toFixed(2)} (${sorted[0]?.toFixed(2)} to ${sorted.at(-1)?.toFixed(2)})`,
      `at most ${goal}`,
    ].join(' | ');
  });
  const ours = toMs(rounds.map((times) => times.get('workspace') ?? NaN));
  process.stdout.write(
    [
      `${FILES} files, ${COMMITS} commits, ${ROUNDS} rounds; a workspace takes ${ours}.`,
      'beside | takes | ratio of ours | goal',
      ...rows,
      '',
    ].join('\n'),
  );
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function toMs(times: readonly number[]): string {
  return `${median(times.toSorted((a, b) => a - b)).toFixed(0)} ms`;
}
