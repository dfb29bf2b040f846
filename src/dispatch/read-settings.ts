import { createHash } from 'node:crypto';
import { combineSettings, type RepoSettings } from '../domain/repo-settings.ts';
import { readSettingsDocument } from '../domain/settings-document.ts';
import type { ProposedSettings } from '../domain/settings-check-text.ts';
import type { SettingsFile } from '../domain/settings-file.ts';
import {
  describePlace,
  MAX_SETTINGS_LAYERS,
  organisationSettings,
  type SettingsPlace,
  toExtendedPlace,
} from '../domain/settings-layers.ts';
import { describeLastGood, describeProblems, SETTINGS_FILE_PATH } from '../domain/settings-problem.ts';
import type { RepositoryTarget } from '../domain/trigger.ts';
import type { GitHub } from '../github/github.ts';
import type { Store } from '../store/store.ts';

export type SettingsDeps = {
  store: Pick<Store, 'memory' | 'nowMs'>;
  github: Pick<GitHub, 'readSettingsFile'>;
};

/** What holds for a repository now. */
export type SettingsInForce = {
  settings: RepoSettings;
  /** The files that were read, the nearest first; none: there are only the built-in settings. */
  places: readonly SettingsPlace[];
  /** Why work can't start, for people: the files have mistakes, and there never were good ones. `settings` are then the built-in ones. */
  problem: string | null;
  /** The files have mistakes, and the last good ones are in force: what to tell people, once for each version of the files. */
  notice: { text: string; key: string } | null;
};

/** What there is without any file, and where none needs to be read. */
export const BUILT_IN_SETTINGS: SettingsInForce = {
  settings: combineSettings([]),
  places: [],
  problem: null,
  notice: null,
};

/** The same settings for all who ask, read when the first one does. */
export function settingsReader(target: RepositoryTarget, deps: SettingsDeps): () => Promise<SettingsInForce> {
  let reading: Promise<SettingsInForce> | null = null;
  return () => (reading ??= readSettings(target, deps));
}

type Layer = { place: SettingsPlace; text: string };
type LayersReading =
  { ok: true; layers: Layer[]; files: SettingsFile[] } | { ok: false; layers: Layer[]; message: string };

/**
 * Reads the settings file as it is in a commit. What it extends is only looked at when whoever wrote it may write here, and then nothing of
 * it is told: it may be in a repository that they may not read. Throws `GitHubError`.
 */
export async function readProposedSettings(
  target: RepositoryTarget,
  { commit, isFork }: { commit: string; isFork: boolean },
  deps: Pick<SettingsDeps, 'github'>,
): Promise<ProposedSettings> {
  const { owner, name } = target.repository;
  const own = { owner, name, path: SETTINGS_FILE_PATH };
  const text = await deps.github.readSettingsFile(target, own, commit);
  if (text === null) {
    const place = organisationSettings(owner);
    const others = isSamePlace(place, own) ? null : await readLayer(target, place, deps);
    return { kind: 'none', appliesThen: others?.place ?? null };
  }
  const reading = readSettingsDocument(text);
  const extended = reading.ok ? (reading.file._extends ?? null) : null;
  if (extended === null) return { kind: 'read', text, reading, extension: null };
  const named = toExtendedPlace(extended, owner);
  if (!named.ok) return { kind: 'read', text, reading, extension: named.message };
  if (isFork) return { kind: 'read', text, reading, extension: null };
  const layers = await readLayers(target, { place: own, text }, deps);
  const extension = layers.ok
    ? null
    : `what it extends (${describePlace(named.place)}) can’t be found, or can’t be used; "yardmaster config check" says more about that file`;
  return { kind: 'read', text, reading, extension };
}

/**
 * Reads the repository's settings file and what it extends; without one, the organisation's. Good ones are kept, so that a mistake on the
 * default branch does not stop work. Throws `GitHubError`; then nothing was kept.
 */
export async function readSettings(target: RepositoryTarget, deps: SettingsDeps): Promise<SettingsInForce> {
  const { store } = deps;
  const { id } = target.repository;
  const reading = await readLayers(target, await readFirst(target, deps), deps);
  const places = reading.layers.map(({ place }) => place);
  if (reading.ok) {
    await store.memory.keepSettings(id, JSON.stringify(reading.layers), await store.nowMs());
    return { settings: combineSettings(reading.files), places, problem: null, notice: null };
  }
  const kept = await readKept(id, deps);
  if (kept === null) return { settings: combineSettings([]), places, problem: reading.message, notice: null };
  const hash = createHash('sha256').update(JSON.stringify(reading.layers)).digest('hex');
  return {
    settings: kept,
    places,
    problem: null,
    notice: {
      text: describeLastGood(reading.message),
      key: `settings-notice:${id}:${hash}`,
    },
  };
}

/** The repository's own file, otherwise the organisation's. */
async function readFirst(target: RepositoryTarget, deps: SettingsDeps): Promise<Layer | null> {
  const { owner, name } = target.repository;
  const text = await deps.github.readSettingsFile(target);
  if (text === null) return readLayer(target, organisationSettings(owner), deps);
  return { place: { owner, name, path: SETTINGS_FILE_PATH }, text };
}

function isSamePlace(one: SettingsPlace, other: SettingsPlace): boolean {
  return describePlace(one).toLowerCase() === describePlace(other).toLowerCase();
}

async function readLayers(
  target: RepositoryTarget,
  first: Layer | null,
  deps: Pick<SettingsDeps, 'github'>,
): Promise<LayersReading> {
  const { owner, name } = target.repository;
  const layers: Layer[] = [];
  const files: SettingsFile[] = [];
  const fail = (message: string): LayersReading => ({ ok: false, layers, message });
  const own = { owner, name, path: SETTINGS_FILE_PATH };
  let next = first;

  while (next !== null) {
    const { place, text } = next;
    layers.push(next);
    const where = isSamePlace(place, own) ? undefined : describePlace(place);
    const document = readSettingsDocument(text);
    if (!document.ok) return fail(describeProblems(document.problems, document.more, where));
    files.push(document.file);
    const { _extends: extended } = document.file;
    if (extended == null) break;
    const named = toExtendedPlace(extended, owner);
    if (!named.ok)
      return fail(describeProblems([{ key: '_extends', line: null, message: named.message }], 0, where));
    if (layers.length === MAX_SETTINGS_LAYERS) {
      const message = `more than ${MAX_SETTINGS_LAYERS} files extend one another; take some out`;
      return fail(describeProblems([{ key: '_extends', line: null, message }], 0, where));
    }
    next = await readLayer(target, named.place, deps);
    if (next === null) {
      const message = `${describePlace(named.place)} can’t be found; make it, or let the App’s installation have that repository`;
      return fail(describeProblems([{ key: '_extends', line: null, message }], 0, where));
    }
  }
  return { ok: true, layers, files };
}

async function readLayer(
  target: RepositoryTarget,
  place: SettingsPlace,
  deps: Pick<SettingsDeps, 'github'>,
): Promise<Layer | null> {
  const text = await deps.github.readSettingsFile(target, place);
  return text === null ? null : { place, text };
}

async function readKept(repositoryId: number, { store }: SettingsDeps): Promise<RepoSettings | null> {
  const kept = await store.memory.keptSettings(repositoryId);
  return kept === null ? null : parseKeptSettings(kept);
}

/** `kept`: as `readSettings` kept them. `null`: this version of Yardmaster does not take them any more. */
export function parseKeptSettings(kept: string): RepoSettings | null {
  // Written by `readSettings`.
  const layers = JSON.parse(kept) as Layer[];
  const readings = layers.map(({ text }) => readSettingsDocument(text));
  const files = readings.flatMap((reading) => (reading.ok ? [reading.file] : []));
  return files.length === layers.length ? combineSettings(files) : null;
}
