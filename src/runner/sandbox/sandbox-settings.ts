import { z } from 'zod';
import { explainBadHost } from '../../domain/host-patterns.ts';

const MODE_PROBLEM = 'must be auto, required, preferred or off';

/** `none` is what `off` was called before there was a sandbox. */
const Mode = z
  .enum(['auto', 'required', 'preferred', 'off', 'none'], MODE_PROBLEM)
  .transform((mode) => (mode === 'none' ? 'off' : mode));

const Count = z.int('must be a whole number').min(1, 'must be at least 1');

const HostName = z.string().superRefine((host, context) => {
  const message = explainBadHost(host);
  if (message !== null) context.addIssue({ code: 'custom', message, input: host });
});
const HostNames = z.array(HostName, 'must be a list of hosts').max(200);

/** `sandbox:` of runner.yml: a mode, or a map. */
export const SandboxFile = z.union(
  [
    Mode,
    z.strictObject({
      mode: Mode.nullish(),
      readable: z.array(z.string().min(1), 'must be a list of folders').max(100).nullish(),
      registries: z.boolean('must be true or false').nullish(),
      hosts: HostNames.nullish(),
      repository_hosts: z
        .union([z.literal('any'), HostNames], 'must be any, or a list of hosts such as ["*.example.com"]')
        .nullish(),
      limits: z
        .strictObject({
          processes: Count.nullish(),
          open_files: Count.nullish(),
          file_mb: Count.nullish(),
          cpu_seconds: Count.nullish(),
          address_space_mb: Count.nullish(),
          memory_mb: Count.nullish(),
        })
        .nullish(),
    }),
  ],
  `${MODE_PROBLEM}, or a map with mode, readable, registries, hosts, repository_hosts and limits`,
);

/** What one sandbox may use at most; but for `memoryBytes` set for each process of it by the kernel (setrlimit(2)). */
export type SandboxLimits = {
  /** Processes and threads of one sandbox together. */
  processes: number;
  openFiles: number;
  /** Of one file. */
  fileBytes: number;
  /** Of one process. */
  cpuSeconds: number;
  /** Of one process; `null` = no limit, since many runtimes reserve far more than they use. */
  addressSpaceBytes: number | null;
  /** Of all processes of one sandbox together; `null` = three quarters of the machine's. */
  memoryBytes: number | null;
};

/** How commands are kept away from the machine: checked, complete, with absolute paths. */
export type SandboxSettings = {
  /**
   * `required`: nothing runs without it. `preferred`: without it where it can't be had, and said so. `auto`: `preferred` until it has
   * worked here once, and `required` from then on.
   */
  mode: 'auto' | 'required' | 'preferred' | 'off';
  /** Further files and folders that may be read. */
  readable: string[];
  /** Whether set-up, and tests of what is on the base branch, reach the package registries that `REGISTRY_HOSTS` lists. */
  registries: boolean;
  /** Hosts beside those: `name`, `*.name`, `name:port`; 443 and 80 where there is no port. */
  hosts: string[];
  /** Which hosts the settings of a repository may open to agent, set-up and tests: those that match, or any that is public. */
  repositoryHosts: 'any' | string[];
  limits: SandboxLimits;
};

export const DEFAULT_SANDBOX_LIMITS: SandboxLimits = {
  processes: 4096,
  openFiles: 16_384,
  fileBytes: 8 * 1024 ** 3,
  cpuSeconds: 2 * 60 * 60,
  addressSpaceBytes: null,
  memoryBytes: null,
};

const MEGABYTE = 1024 ** 2;

/** What runner.yml says → SandboxSettings. `resolvePath` makes paths absolute. */
export function toSandboxSettings(
  file: z.infer<typeof SandboxFile> | null | undefined,
  resolvePath: (path: string) => string,
): SandboxSettings {
  const map = typeof file === 'string' ? { mode: file } : (file ?? {});
  const limits = 'limits' in map ? map.limits : null;
  return {
    mode: map.mode ?? 'auto',
    readable: ('readable' in map ? (map.readable ?? []) : []).map(resolvePath),
    registries: 'registries' in map ? (map.registries ?? true) : true,
    hosts: 'hosts' in map ? (map.hosts ?? []) : [],
    repositoryHosts: 'repository_hosts' in map ? (map.repository_hosts ?? []) : [],
    limits: {
      processes: limits?.processes ?? DEFAULT_SANDBOX_LIMITS.processes,
      openFiles: limits?.open_files ?? DEFAULT_SANDBOX_LIMITS.openFiles,
      fileBytes: limits?.file_mb == null ? DEFAULT_SANDBOX_LIMITS.fileBytes : limits.file_mb * MEGABYTE,
      cpuSeconds: limits?.cpu_seconds ?? DEFAULT_SANDBOX_LIMITS.cpuSeconds,
      addressSpaceBytes: limits?.address_space_mb == null ? null : limits.address_space_mb * MEGABYTE,
      memoryBytes: limits?.memory_mb == null ? null : limits.memory_mb * MEGABYTE,
    },
  };
}
