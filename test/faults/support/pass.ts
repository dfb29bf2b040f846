/** Lets time go by, where how long a fault lasts is part of it; nothing is expected to have happened by then. */
export function pass(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
