import { lstat, readdir, readlink, realpath } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join, normalize } from 'node:path';
import { installationAround, installationOf, isWithin, toShown } from './paths.ts';

const SYSTEM_FOLDERS = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/nix/store',
  '/gnu/store',
];

/** Holds a folder for each package (Filesystem Hierarchy Standard, 3.13), so what lies around its programs belongs to them. */
const PACKAGES = '/opt';

/**
 * What programs look up in /etc that says nothing about the machine's people and secrets. On purpose not here: all that may hold a
 * password (gitconfig, npmrc, maven, ssl/private), and passwd, group, hosts, of which the sandbox has its own.
 */
const ETC = [
  'alternatives',
  'ca-certificates',
  'ca-certificates.conf',
  'crypto-policies',
  'debian_version',
  'fonts',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  // Without settings.xml, which may hold passwords.
  'maven/logging',
  'maven/m2.conf',
  'mime.types',
  'os-release',
  'pki/ca-trust',
  'pki/tls/certs',
  'pki/tls/openssl.cnf',
  'protocols',
  'services',
  'ssl/cert.pem',
  'ssl/certs',
  'ssl/openssl.cnf',
  'timezone',
];
const ETC_TOOLCHAINS = /^(java-?\d|python\d)/;

/** The machine's programs, as a sandbox shows them, read-only. */
export type Toolchains = {
  /** Files and folders, at the same path inside. */
  folders: string[];
  /** Such as /bin → usr/bin. */
  links: { at: string; target: string }[];
};

/**
 * System folders, the folders of `path` (the value of PATH) that lie outside the home folder and hold nothing hidden (in /opt the whole
 * package), and the installations of `programs`. Programs in the home folder are shown only when they are named: beside them lie credentials.
 */
export async function findToolchains(options: {
  path: string;
  programs: readonly string[];
  homeFolder: string;
  hidden: readonly string[];
}): Promise<Toolchains> {
  const found: Toolchains = { folders: [], links: [] };
  for (const folder of SYSTEM_FOLDERS) {
    const target = await readLinkTarget(folder);
    if (target !== null) found.links.push({ at: folder, target });
    else if (await exists(folder)) found.folders.push(folder);
  }
  for (const name of [...ETC, ...(await listToolchainsOfEtc())]) {
    if (await exists(join('/etc', name))) found.folders.push(join('/etc', name));
  }

  const hidden = [...options.hidden, options.homeFolder];
  for (const entry of options.path.split(delimiter).filter((folder) => isAbsolute(folder))) {
    const folder = normalize(entry).replace(/(.)\/$/, '$1');
    const isAtHome = options.homeFolder !== '/' && isWithin(folder, options.homeFolder);
    // `.bin` is what npm puts there: links into a project that is not the one to work on.
    if (isAtHome || basename(folder) === '.bin' || isOfSystem(folder)) continue;
    const shown = isWithin(folder, PACKAGES) ? installationAround(folder, hidden) : toShown(folder, hidden);
    if (shown !== null && (await exists(folder))) found.folders.push(shown);
  }
  return mergeToolchains([
    found,
    ...(await Promise.all(options.programs.map((file) => showProgram(file, hidden)))),
  ]);
}

/** What has to be shown for a program or script to run: where it really is, and a link where it is looked for. */
export async function showProgram(program: string, hidden: readonly string[]): Promise<Toolchains> {
  // One that isn't there is missed when it is started.
  const real = await realpath(program).catch(() => program);
  return {
    folders: [installationOf(real, hidden)],
    links: real === program ? [] : [{ at: program, target: real }],
  };
}

export function mergeToolchains(parts: readonly Toolchains[]): Toolchains {
  return { folders: parts.flatMap(({ folders }) => folders), links: parts.flatMap(({ links }) => links) };
}

function isOfSystem(folder: string): boolean {
  return SYSTEM_FOLDERS.some((system) => isWithin(folder, system));
}

async function listToolchainsOfEtc(): Promise<string[]> {
  // A machine without /etc has no such toolchains.
  const names = await readdir('/etc').catch(() => []);
  return names.filter((name) => ETC_TOOLCHAINS.test(name));
}

async function readLinkTarget(path: string): Promise<string | null> {
  // Not a link, or not there: then it is looked at as a folder.
  return await readlink(path).catch(() => null);
}

async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}
