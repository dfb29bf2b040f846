import type { SettingsFile } from './settings-file.ts';
import type { SpecialtyFields } from './settings-specialty.ts';
import { SETTINGS_FILE_PATH } from './settings-problem.ts';

/** Where a settings file is: always on the default branch. */
export type SettingsPlace = { owner: string; name: string; path: string };

/** A file, the one that it extends, and so on: more than this is a mistake. */
export const MAX_SETTINGS_LAYERS = 5;

export const ORGANISATION_REPOSITORY = '.github';

/** Where an organisation keeps what holds for its repositories that have no settings of their own. */
export function organisationSettings(owner: string): SettingsPlace {
  return { owner, name: ORGANISATION_REPOSITORY, path: SETTINGS_FILE_PATH };
}

/** How people know the file. */
export function describePlace({ owner, name, path }: SettingsPlace): string {
  return `${path} on the default branch of ${owner}/${name}`;
}

/**
 * What `_extends` names, or why it can't be used. Another owner's settings are never read: who may write there must not be able to say
 * what runs here.
 */
export function toExtendedPlace(
  text: string,
  owner: string,
): { ok: true; place: SettingsPlace } | { ok: false; message: string } {
  const [repository = '', path] = text.split(':', 2);
  const [first = '', second] = repository.split('/', 2);
  const place = {
    owner: second === undefined ? owner : first,
    name: second ?? first,
    path: path ?? SETTINGS_FILE_PATH,
  };
  if (place.owner.toLowerCase() !== owner.toLowerCase()) {
    return {
      ok: false,
      message: `_extends names a repository of ${place.owner}; it must be one of ${owner}`,
    };
  }
  if (place.path.split('/').some((part) => part === '..' || part === '.' || part === '')) {
    return { ok: false, message: `_extends names the path "${place.path}"; write it without "." and ".."` };
  }
  return { ok: true, place };
}

/**
 * Several settings files as one, the nearest first: labels and specialties are put together, and of each key the nearest file that has
 * it counts. Lists are taken whole.
 */
export function mergeSettings(files: readonly SettingsFile[]): SettingsFile {
  const farthestFirst = files.toReversed();
  const names = new Set(farthestFirst.flatMap(({ specialties }) => Object.keys(specialties ?? {})));
  return {
    // GitHub does not tell the case of labels.
    labels: Object.fromEntries(
      farthestFirst.flatMap(({ labels }) =>
        Object.entries(labels ?? {}).map(([label, specialty]) => [label.toLowerCase(), specialty]),
      ),
    ),
    priority_labels: Object.fromEntries(
      farthestFirst.flatMap(({ priority_labels: labels }) =>
        Object.entries(labels ?? {}).map(([label, priority]) => [label.toLowerCase(), priority]),
      ),
    ),
    specialties: Object.fromEntries(
      [...names].map((name) => [
        name,
        mergeFields(farthestFirst.map(({ specialties }) => specialties?.[name] ?? {})),
      ]),
    ),
    routing: files.find(({ routing }) => routing != null)?.routing,
    concurrency: files.find(({ concurrency }) => concurrency != null)?.concurrency,
    triggers: Object.assign({}, ...farthestFirst.map(({ triggers }) => triggers ?? {})),
    limits: {
      repository: Object.assign({}, ...farthestFirst.map(({ limits }) => limits?.repository ?? {})),
      person: Object.assign({}, ...farthestFirst.map(({ limits }) => limits?.person ?? {})),
    },
    defaults: mergeFields(farthestFirst.map(({ defaults }) => defaults ?? {})),
  };
}

function mergeFields(farthestFirst: readonly SpecialtyFields[]): SpecialtyFields {
  const merged: SpecialtyFields = Object.assign({}, ...farthestFirst);
  const wishes = farthestFirst.flatMap(({ pull_request }) => pull_request ?? []);
  const checkouts = farthestFirst.flatMap(({ checkout }) => checkout ?? []);
  return {
    ...merged,
    ...(wishes.length === 0 ? {} : { pull_request: Object.assign({}, ...wishes) }),
    ...(checkouts.length === 0 ? {} : { checkout: Object.assign({}, ...checkouts) }),
  };
}
