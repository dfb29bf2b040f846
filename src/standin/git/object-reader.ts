import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Git } from './run-git.ts';

/** An object as git keeps it. */
export type GitObject = { sha: string; type: string; content: Buffer };

type Waiting = { resolve(object: GitObject | null): void; reject(error: Error): void };

/**
 * Reads objects through one `git cat-file --batch` a repository, which stays until git is stopped: starting a process for each look costs
 * more than everything else the stand-in does.
 */
export function createObjectReader(git: Git) {
  const processes = new Map<string, ReturnType<typeof createBatch>>();

  /** What a name stands for right now (a full ref, a sha, `<name>^{tree}`, without spaces), or null. */
  function read(folder: string, name: string): Promise<GitObject | null> {
    let batch = processes.get(folder);
    if (batch === undefined) {
      batch = createBatch(git.start(folder, ['cat-file', '--batch']), () => processes.delete(folder));
      processes.set(folder, batch);
    }
    return batch.ask(name);
  }

  return { read };
}

/** One process, asked one name after the other; its answers come in the same order. */
function createBatch(child: ChildProcessWithoutNullStreams, onEnd: () => void) {
  const waiting: Waiting[] = [];
  let unread = Buffer.alloc(0);

  child.stderr.resume();
  child.stdout.on('data', (chunk: Buffer) => {
    unread = Buffer.concat([unread, chunk]);
    for (let answer = takeAnswer(unread); answer !== null; answer = takeAnswer(unread)) {
      unread = unread.subarray(answer.length);
      waiting.shift()?.resolve(answer.object);
    }
  });
  child.once('error', end);
  child.once('close', () => end(new Error('git cat-file ended before it answered')));

  function end(error: Error): void {
    onEnd();
    for (const { reject } of waiting.splice(0)) reject(error);
  }

  function ask(name: string): Promise<GitObject | null> {
    return new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${name}\n`);
    });
  }

  return { ask };
}

/** `<sha> <type> <size>`, the content and a line break; or the name with `missing` or `ambiguous` behind it. */
function takeAnswer(bytes: Buffer): { object: GitObject | null; length: number } | null {
  const lineEnd = bytes.indexOf('\n');
  if (lineEnd < 0) return null;
  const found = /^([0-9a-f]{40}) (\w+) (\d+)$/.exec(bytes.toString('latin1', 0, lineEnd));
  if (found === null) return { object: null, length: lineEnd + 1 };
  const [, sha = '', type = '', size = '0'] = found;
  const contentEnd = lineEnd + 1 + Number(size);
  if (bytes.length <= contentEnd) return null;
  return {
    object: { sha, type, content: Buffer.from(bytes.subarray(lineEnd + 1, contentEnd)) },
    length: contentEnd + 1,
  };
}
