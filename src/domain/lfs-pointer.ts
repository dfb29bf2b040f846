/** A file that is kept in Git LFS: by what it is fetched, and how large it is. */
export type LfsObject = { oid: string; bytes: number };

/** By the specification of pointers. */
export const MAX_POINTER_BYTES = 1024;

/** The text of a file in git → what it stands for; `null` when it is no pointer. */
export function parseLfsPointer(text: string): LfsObject | null {
  if (text.length > MAX_POINTER_BYTES || !text.startsWith('version https://git-lfs.github.com/spec/v1\n'))
    return null;
  const oid = /^oid sha256:([0-9a-f]{64})$/m.exec(text)?.[1];
  const size = /^size ([0-9]{1,15})$/m.exec(text)?.[1];
  return oid === undefined || size === undefined ? null : { oid, bytes: Number(size) };
}
