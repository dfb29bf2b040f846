import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LfsObject } from '../../domain/lfs-pointer.ts';
import type { Clock } from '../../lib/clock.ts';
import { toError } from '../../lib/to-error.ts';
import { askForObjects, type LfsAnswer, LfsError } from './lfs-client.ts';

export type LfsFetch = {
  /** Of the repository, by HTTP. */
  cloneUrl: string;
  /** Asked anew for each request: a token may end while much is fetched. */
  token: () => Promise<string>;
  fetch: typeof fetch;
  clock: Clock;
  signal: AbortSignal;
};

/** As many objects as GitHub takes in one question. */
const BATCH = 100;
const AT_ONCE = 4;
const RETRY_WAITS_MS = [1000, 3000];
/** What has to be free besides what is fetched, which then stands in the mirror and in the workspace. */
const SPARE_BYTES = 1024 ** 3;

/** Where an object is kept in a mirror: as Git LFS itself keeps it. */
export function toObjectFile(store: string, oid: string): string {
  return join(store, oid.slice(0, 2), oid.slice(2, 4), oid);
}

/**
 * Fetches the objects that the store of a mirror does not have. Each is held against its own name, so that whoever sends it can't change it.
 * Returns those that the server does not give, with why. Throws `LfsError` when it can't be reached, or the disk has no room for them.
 */
export async function fetchObjects(
  store: string,
  objects: readonly LfsObject[],
  how: LfsFetch,
): Promise<Map<string, string>> {
  const missing = await findMissing(store, objects);
  await mkdir(store, { recursive: true });
  await checkRoom(store, missing);
  const failed = new Map<string, string>();
  for (let at = 0; at < missing.length; at += BATCH) await fetchBatch(missing.slice(at, at + BATCH));
  return failed;

  async function fetchBatch(batch: readonly LfsObject[]): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        const rest = await findMissing(store, batch);
        const answers = await askForObjects(rest, { ...how, token: await how.token() });
        const queue = [...rest];
        await Promise.all(Array.from({ length: AT_ONCE }, () => work(queue, answers)));
        return;
      } catch (error) {
        how.signal.throwIfAborted();
        const waitMs = RETRY_WAITS_MS[tries];
        if (waitMs === undefined) throw error;
        await how.clock.sleep(waitMs, how.signal);
      }
    }
  }

  async function work(queue: LfsObject[], answers: ReadonlyMap<string, LfsAnswer>): Promise<void> {
    for (let object = queue.shift(); object !== undefined; object = queue.shift()) {
      const answer = answers.get(object.oid);
      if (answer?.kind === 'there') await fetchObject(object, answer);
      else failed.set(object.oid, answer?.reason ?? 'the server does not know it');
    }
  }

  async function fetchObject(
    { oid, bytes }: LfsObject,
    { url, headers }: Extract<LfsAnswer, { kind: 'there' }>,
  ): Promise<void> {
    const file = toObjectFile(store, oid);
    const draft = join(store, `${randomUUID()}.new`);
    try {
      const response = await how.fetch(url, { headers, signal: how.signal });
      if (!response.ok || response.body === null)
        throw new LfsError(`an object of Git LFS can't be fetched: the server answers ${response.status}`);
      const check = createCheck(oid, bytes);
      await pipeline(Readable.fromWeb(response.body), check, createWriteStream(draft, { mode: 0o400 }), {
        signal: how.signal,
      });
      await mkdir(dirname(file), { recursive: true });
      await rename(draft, file);
    } catch (error) {
      how.signal.throwIfAborted();
      if (error instanceof LfsError) throw error;
      throw new LfsError(`an object of Git LFS can't be fetched: ${toError(error).message}`, {
        cause: error,
      });
    } finally {
      await rm(draft, { force: true });
    }
  }
}

/** Lets through what is of this length and has this hash; anything else is an error, at the latest at its end. */
function createCheck(oid: string, bytes: number): Transform {
  const hash = createHash('sha256');
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      hash.update(chunk);
      if (length > bytes) done(new LfsError(`the object ${oid} is longer than its pointer says`));
      else done(null, chunk);
    },
    flush(done) {
      if (length === bytes && hash.digest('hex') === oid) done();
      else done(new LfsError(`the object ${oid} is not what its pointer says`));
    },
  });
}

async function findMissing(store: string, objects: readonly LfsObject[]): Promise<LfsObject[]> {
  const byOid = new Map(objects.map((object) => [object.oid, object]));
  const found: LfsObject[] = [];
  for (const object of byOid.values()) {
    const size = await stat(toObjectFile(store, object.oid)).then(
      (facts) => facts.size,
      () => null,
    );
    if (size !== object.bytes) found.push(object);
  }
  return found;
}

async function checkRoom(store: string, missing: readonly LfsObject[]): Promise<void> {
  const bytes = missing.reduce((sum, object) => sum + object.bytes, 0);
  const { bavail, bsize } = await statfs(store);
  if (2 * bytes + SPARE_BYTES <= bavail * bsize || bytes === 0) return;
  const needed = Math.ceil((2 * bytes + SPARE_BYTES) / 1024 ** 2);
  throw new LfsError(
    `the files in Git LFS need ${needed} MiB on the disk of the runner, and ${Math.floor((bavail * bsize) / 1024 ** 2)} MiB are free`,
  );
}
