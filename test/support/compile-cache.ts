import path from 'node:path';

/** For every process of ours that a test starts with an environment of its own: compiling anew each time would be most of what it does. */
export const COMPILE_CACHE = {
  NODE_COMPILE_CACHE: path.resolve(import.meta.dirname, '../../node_modules/.cache/yardmaster-tests'),
};
