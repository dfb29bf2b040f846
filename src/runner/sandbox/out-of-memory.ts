/** For people: what happened to a command that used too much memory, and the way out. */
export function describeOutOfMemory(maxBytes: number | undefined): string {
  const limit = maxBytes === undefined ? 'it may' : `the ${Math.round(maxBytes / 1024 ** 2)} MB that it may`;
  return `It was ended because it used more memory than ${limit}; sandbox.limits.memory_mb in runner.yml sets the limit.`;
}
