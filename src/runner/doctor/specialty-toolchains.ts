/** One of these programs, by the names of their toolchains; it is needed, or good to have. */
export type ToolchainWish = { anyOf: readonly string[]; isNeeded: boolean };

const LANGUAGES = ['python', 'node', 'go', 'java', 'cargo', 'ruby', 'php', 'dotnet'];

function need(...anyOf: string[]): ToolchainWish {
  return { anyOf, isNeeded: true };
}

function like(...anyOf: string[]): ToolchainWish {
  return { anyOf, isNeeded: false };
}

/** What machines of each built-in specialty have; docs/machines/ tells people the same. */
export const SPECIALTY_TOOLCHAINS: Readonly<Record<string, readonly ToolchainWish[]>> = {
  backend: [
    need(...LANGUAGES),
    like('python'),
    like('make'),
    like('gcc'),
    like('psql'),
    like('sqlite'),
    like('redis'),
    like('jq'),
  ],
  frontend: [
    need('node'),
    like('npm', 'pnpm', 'yarn'),
    like('chromium', 'firefox'),
    like('make'),
    like('jq'),
  ],
  testing: [
    need(...LANGUAGES),
    like('python'),
    like('node'),
    like('java'),
    like('chromium', 'firefox'),
    like('xvfb'),
    like('make'),
    like('sqlite'),
  ],
  devops: [
    like('docker', 'podman'),
    like('python'),
    like('make'),
    like('shellcheck'),
    like('jq'),
    like('ansible'),
    like('terraform'),
    like('kubectl'),
    like('helm'),
  ],
};

/** Other words for the same, as people write them in `specialties`. */
const NAMES_OF_OTHERS: Readonly<Record<string, string>> = {
  rust: 'cargo',
  golang: 'go',
  javascript: 'node',
  typescript: 'node',
  nodejs: 'node',
  'c#': 'dotnet',
  csharp: 'dotnet',
  postgres: 'psql',
  postgresql: 'psql',
  database: 'psql',
};

/**
 * What a machine with these specialties should have, each named once; needed goes before good to have. Git always is. A specialty that is
 * named after a toolchain needs it; one that nobody knows asks for nothing.
 */
export function wishesOf(specialties: readonly string[], toolchains: ReadonlySet<string>): ToolchainWish[] {
  const wishes = [
    need('git'),
    ...specialties.flatMap((specialty) => {
      const name = NAMES_OF_OTHERS[specialty] ?? specialty;
      return SPECIALTY_TOOLCHAINS[specialty] ?? (toolchains.has(name) ? [need(name)] : []);
    }),
  ];
  const byNames = new Map<string, ToolchainWish>();
  for (const wish of wishes) {
    const key = wish.anyOf.join();
    if (byNames.get(key)?.isNeeded !== true) byNames.set(key, wish);
  }
  return [...byNames.values()].toSorted((a, b) => Number(b.isNeeded) - Number(a.isNeeded));
}
