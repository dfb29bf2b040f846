import childProcess from 'node:child_process';
import { existsSync, promises, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ServerResponse } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import process from 'node:process';
import { DatabaseSync, type SQLInputValue, StatementSync } from 'node:sqlite';
import { Client } from 'pg';

/**
 * Loaded before a program (`node --import`), does something to it at one of its writes: a commit of its store, a write on GitHub, an
 * answer to a runner or to GitHub, a call of the coordinator, a change of the journal, a push. `FAULT_POINT` names a file that holds the
 * plan while there is one; when it was carried out the file is gone, and one with `.hit` at its end tells which write it was.
 *
 * Killed after each write in turn, a program is killed between every two of them.
 */
export type FailPlan = {
  /** `lose`: the answer is never sent, and the connection is cut. */
  act: 'SIGKILL' | 'SIGSTOP' | 'lose';
  /** The how-manieth of the writes from now on. */
  nth: number;
  /** Counts only writes whose description holds this. */
  like: string;
  /** `start`: in place of its writes, the programs that it starts count, each right before. */
  at?: 'write' | 'start';
};

const file = process.env['FAULT_POINT'] ?? '';
const target = process.env['FAULT_GITHUB'] ?? '';
let counted = 0;
let armed = '';

/** True when the plan says that this write's answer shall be lost. Kills or stops the process itself when the plan says so. */
function passed(write: string, at: FailPlan['at'] = 'write'): boolean {
  if (!existsSync(file)) {
    armed = '';
    return false;
  }
  const text = readFileSync(file, 'utf8');
  if (text !== armed) counted = 0;
  armed = text;
  const plan = JSON.parse(text) as FailPlan;
  // An answer that can be lost is told of before it is sent; all else has happened when it is told of.
  if (write.startsWith('sending ') !== (plan.act === 'lose')) return false;
  if ((plan.at ?? 'write') !== at || !write.includes(plan.like)) return false;
  counted += 1;
  if (counted < plan.nth) return false;
  rmSync(file);
  writeFileSync(`${file}.hit`, write);
  if (plan.act === 'lose') return true;
  process.kill(process.pid, plan.act);
  return false;
}

if (file !== '') {
  watchSqlite();
  watchPostgres();
  watchFetch();
  watchAnswers();
  watchFilesAndPushes();
}

/** `update jobs` out of a statement; null for what changes nothing that a job depends on. */
function toWrite(sql: string): string | null {
  const found = /\b(insert into|update|delete from) "?(\w+)"?/i.exec(sql);
  if (!found) return null;
  // A poll notes that the runner was seen, and a look at a check run that it was made, all the time.
  if (/^\s*update "(runners" set "last_seen_at|check_run_mail" set "looked_at)"/i.test(sql)) return null;
  // Of each write on GitHub it is noted first that it may be done; killed there is as good as killed right before the write.
  if (/"(write_turns|recent_writes)"/.test(sql)) return null;
  return `${found[1]?.toLowerCase()} ${found[2]}`;
}

/** Follows transactions on one connection; tells of each commit that changed something, and of each change outside of one. */
function createFollower() {
  let isOpen = false;
  let changes: string[] = [];
  return (sql: string, changed: number): void => {
    const word = /^\s*(\w+)/.exec(sql)?.[1]?.toLowerCase() ?? '';
    if (word === 'begin' || word === 'start') {
      isOpen = true;
      changes = [];
    } else if (word === 'rollback') {
      isOpen = false;
    } else if (word === 'commit') {
      isOpen = false;
      if (changes.length > 0) passed(`commit of ${[...new Set(changes)].join(', ')}`);
    } else {
      const write = toWrite(sql);
      if (write === null || changed === 0) return;
      if (isOpen) changes.push(write);
      else passed(write);
    }
  };
}

function watchSqlite(): void {
  const follow = createFollower();
  const sqlOf = new WeakMap<StatementSync, string>();
  const { prepare } = DatabaseSync.prototype;
  DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql: string, ...more) {
    const statement = prepare.call(this, sql, ...more);
    sqlOf.set(statement, sql);
    return statement;
  };
  const { run, all } = StatementSync.prototype;
  StatementSync.prototype.run = function (this: StatementSync, ...given: SQLInputValue[]) {
    const result = (run as (...anonymous: SQLInputValue[]) => ReturnType<typeof run>).apply(this, given);
    follow(sqlOf.get(this) ?? '', Number(result.changes));
    return result;
  } as typeof run;
  StatementSync.prototype.all = function (this: StatementSync, ...given: SQLInputValue[]) {
    const rows = (all as (...anonymous: SQLInputValue[]) => ReturnType<typeof all>).apply(this, given);
    follow(sqlOf.get(this) ?? '', rows.length);
    return rows;
  } as typeof all;
}

function watchPostgres(): void {
  const followers = new WeakMap<object, ReturnType<typeof createFollower>>();
  const query = Client.prototype.query as (...given: unknown[]) => unknown;
  const watched = function (this: object, ...given: unknown[]): unknown {
    const answer = query.apply(this, given);
    const [first] = given;
    const sql = typeof first === 'string' ? first : (first as { text?: string }).text;
    if (sql === undefined || !(answer instanceof Promise)) return answer;
    const follow = followers.get(this) ?? createFollower();
    followers.set(this, follow);
    return answer.then((result: { rowCount?: number | null }) => {
      follow(sql, result.rowCount ?? 0);
      return result;
    });
  };
  Client.prototype.query = watched as typeof Client.prototype.query;
}

/** Requests that change something: on GitHub, and from the runner at the coordinator. Each counts when it has been answered. */
function watchFetch(): void {
  const plain = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const answer = await plain(input, init);
    const method = (init?.method ?? 'GET').toUpperCase();
    const url = new URL(input instanceof Request ? input.url : input);
    const isPolling = /\/(poll|heartbeat)$/.test(url.pathname);
    if (method !== 'GET' && !isPolling) {
      const side = target !== '' && url.href.startsWith(target) ? 'GitHub' : 'coordinator';
      passed(`${method} ${url.pathname} (${side} answered ${answer.status})`);
    }
    return answer;
  };
}

/** Answers to runners and to GitHub's webhooks: before they are sent, and once they are on their way. */
function watchAnswers(): void {
  const { end } = ServerResponse.prototype;
  ServerResponse.prototype.end = function (this: ServerResponse, ...given: unknown[]) {
    const path = (this.req.url ?? '').split('?')[0] ?? '';
    const answer = `answer ${this.statusCode} to ${path}`;
    if (path.startsWith('/api/') && passed(`sending ${answer}`)) {
      this.socket?.destroy();
      return this;
    }
    // Polls and heartbeats come all the time; an event that means nothing to us changes nothing.
    const isCounted = path.startsWith('/api/v1/')
      ? !/\/(heartbeat|poll)$/.test(path)
      : this.statusCode === 202;
    if (isCounted) this.once('finish', () => passed(answer));
    return (end as (...all: unknown[]) => ServerResponse).apply(this, given);
  } as typeof end;
}

/** The journal of the runner, git's push, and whatever it starts. */
function watchFilesAndPushes(): void {
  const { rename, rm } = promises;
  promises.rename = async (from, to) => {
    await rename(from, to);
    passed(`rename to ${String(to).split('/').at(-1)}`);
  };
  promises.rm = async (path, options) => {
    await rm(path, options);
    if (String(path).endsWith('.json')) passed(`removal of ${String(path).split('/').at(-1)}`);
  };
  const { spawn } = childProcess;
  childProcess.spawn = function (...given: unknown[]) {
    const args = Array.isArray(given[1]) ? (given[1] as string[]) : [];
    passed([String(given[0]), ...args].join(' '), 'start');
    if (args.includes('push')) passed('about to push');
    const child = (spawn as (...all: unknown[]) => ReturnType<typeof spawn>)(...given);
    if (args.includes('push')) child.once('exit', (code) => passed(`git push (exit ${code})`));
    return child;
  } as typeof spawn;
  syncBuiltinESMExports();
}
